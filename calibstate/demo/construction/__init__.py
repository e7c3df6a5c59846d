"""Stand-ins for what makes calibrations: an instrument, its raws, pipelines.

A machine without a Rubin stack runs the real bps, pipetask and butler on
them.  The pipelines, labels, connections, dataset types and needs are those
of cp_pipe f029a3f and cp_verify 5855743 for LSSTComCam; the pixels, and the
tasks behind the labels, are not.
"""
