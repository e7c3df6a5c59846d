#!/usr/bin/env bash
# Construction of LSSTComCam/DM-48520 at usdf/main, written by calibstate.
#
# Set up the pipelines before.  That a command ends without an error says
# nothing of what it made: `calibstate construct LSSTComCam/DM-48520` looks.
set -euo pipefail

export CP_PIPE_DIR="${CP_PIPE_DIR:?set up cp_pipe}"
export CP_VERIFY_DIR="${CP_VERIFY_DIR:?set up cp_verify}"
export SCRATCH="FOLDER/scratch"
export REPO=FOLDER/world/repo
export USER_CALIB_PREFIX=''
export INSTRUMENT=LSSTComCam
export TICKET=DM-48520
export RAW_COLLECTION=LSSTComCam/raw/all
export CALIB_COLLECTIONS=LSSTComCam/calib/DM-48650,LSSTComCam/calib/DM-47447/gainFixup/ptc.20241107a,LSSTComCam/calib/DM-46360/isrTaskLSST/linearizer.20240926a,LSSTComCam/calib/DM-46360/isrTaskLSST/bfk.20240926a,LSSTComCam/calib/DM-46360/isrTaskLSST/ptc.20240926a,LSSTComCam/calib/DM-46360/isrTaskLSST/cti.20240926a,LSSTComCam/calib/DM-46360/isrTaskLSST/dark.20240926a
export TAG=DP1
export RERUN=20250207a
export VERIFY_RERUN=20250210a
export BOOTSTRAP_RUN_NUMBER=1
export SELECTION_BIAS_BOOTSTRAP="instrument='LSSTComCam' and (((exposure.day_obs=20241208 and exposure.seq_num >= 696) or (exposure.day_obs=20241206 and exposure.seq_num >= 427)) and exposure.observation_type='bias')"
export SELECTION_DARK_BOOTSTRAP="instrument='LSSTComCam' and (((exposure.day_obs=20241208 and exposure.seq_num >= 696) or (exposure.day_obs=20241206 and exposure.seq_num >= 427)) and exposure.observation_type='dark')"
export SELECTION_FLAT_BOOTSTRAP="instrument='LSSTComCam' and exposure.day_obs=20240806 and exposure.science_program='BLOCK-T68' and exposure.observation_reason='flat' and physical_filter='r_03'"
export SELECTION_BIAS="instrument='LSSTComCam' and (((exposure.day_obs=20241208 and exposure.seq_num >= 696) or (exposure.day_obs=20241206 and exposure.seq_num >= 427)) and exposure.observation_type='bias')"
export SELECTION_FLAT_g="instrument='LSSTComCam' and exposure.day_obs=20241126 and exposure.seq_num in (21..40)"
export SELECTION_SCIENCE_V="instrument='LSSTComCam' and exposure in (2024120100160, 2024120700307)"
export SELECTION_BIAS_V="instrument='LSSTComCam' and exposure in (2024102100509, 2024102600031)"
export SELECTION_FLAT_g_V="instrument='LSSTComCam' and exposure.day_obs=20241126 and exposure.seq_num in (21..40)"
files="$SCRATCH/calibstate/LSSTComCam/DM-48520"
ticket="$USER_CALIB_PREFIX$INSTRUMENT/calib/$TICKET"
made="$ticket/$TAG"
mkdir -p "$files/images"

pause() {  # Wait for a person who looks at images, if there is one.
    if [ -t 0 ]; then
        read -r -p "Look at $1, then press Enter to go on, or Ctrl-C to stop. "
    fi
}

# --- bias_bootstrap
pipetask run -b "$REPO" -i "$RAW_COLLECTION,$CALIB_COLLECTIONS" \
    -o "$made/biasBootstrapGen.20250207a" --output-run "$made/biasBootstrapGen.20250207a/run1" \
    -p "$CP_PIPE_DIR/pipelines/$INSTRUMENT/cpBiasBootstrap.yaml" -d "$SELECTION_BIAS_BOOTSTRAP" \
    --register-dataset-types
mkdir -p "$files/images/bias_bootstrap"
butler retrieve-artifacts "$REPO" "$files/images/bias_bootstrap" -d biasBootstrap \
    --collections "$made/biasBootstrapGen.20250207a/run1" \
    --where "instrument='LSSTComCam' and detector in (0, 1)" --no-preserve-path --find-first \
    --clobber
pause "$files/images/bias_bootstrap"

# --- dark_bootstrap
pipetask run -b "$REPO" \
    -i "$made/biasBootstrapGen.20250207a/run1,$RAW_COLLECTION,$CALIB_COLLECTIONS" \
    -o "$made/darkBootstrapGen.20250207a" --output-run "$made/darkBootstrapGen.20250207a/run1" \
    -p "$CP_PIPE_DIR/pipelines/$INSTRUMENT/cpDarkBootstrap.yaml" -d "$SELECTION_DARK_BOOTSTRAP" \
    --register-dataset-types
mkdir -p "$files/images/dark_bootstrap"
butler retrieve-artifacts "$REPO" "$files/images/dark_bootstrap" -d darkBootstrap \
    --collections "$made/darkBootstrapGen.20250207a/run1" \
    --where "instrument='LSSTComCam' and detector in (0, 1)" --no-preserve-path --find-first \
    --clobber
pause "$files/images/dark_bootstrap"

# --- flat_bootstrap
pipetask run -b "$REPO" \
    -i "$made/biasBootstrapGen.20250207a/run1,$made/darkBootstrapGen.20250207a/run1,$RAW_COLLECTION,$CALIB_COLLECTIONS" \
    -o "$made/flatBootstrapGen.20250207a" --output-run "$made/flatBootstrapGen.20250207a/run1" \
    -p "$CP_PIPE_DIR/pipelines/$INSTRUMENT/cpFlatBootstrap.yaml" -d "$SELECTION_FLAT_BOOTSTRAP" \
    --register-dataset-types

# --- defects
pipetask run -b "$REPO" \
    -i "$made/biasBootstrapGen.20250207a/run1,$made/darkBootstrapGen.20250207a/run1,$made/flatBootstrapGen.20250207a/run1,$RAW_COLLECTION,$CALIB_COLLECTIONS" \
    -o "$made/defectGen.20250207a" -p "$CP_PIPE_DIR/pipelines/$INSTRUMENT/cpDefects.yaml" \
    -d "instrument='LSSTComCam'" --register-dataset-types
butler certify-calibrations "$REPO" "$made/defectGen.20250207a" "$made/defects.20250207a" defects
butler collection-chain "$REPO" --mode prepend "$ticket" "$made/defects.20250207a"

# --- bias
pipetask run -b "$REPO" -i "$ticket,$RAW_COLLECTION,$CALIB_COLLECTIONS" -o "$made/biasGen.20250207a" \
    -p "$CP_PIPE_DIR/pipelines/$INSTRUMENT/cpBias.yaml" -d "$SELECTION_BIAS_BOOTSTRAP" \
    --register-dataset-types
mkdir -p "$files/images/bias"
butler retrieve-artifacts "$REPO" "$files/images/bias" -d biasMosaic8 \
    --collections "$made/biasGen.20250207a" --where "instrument='LSSTComCam'" --no-preserve-path \
    --find-first --clobber
pause "$files/images/bias"
butler certify-calibrations "$REPO" "$made/biasGen.20250207a" "$made/bias.20250207a" bias
butler collection-chain "$REPO" --mode prepend "$ticket" "$made/bias.20250207a"

# --- flat_g
pipetask run -b "$REPO" -i "$ticket,$RAW_COLLECTION,$CALIB_COLLECTIONS" \
    -o "$made/flatGen-g.20250207a" -p "$CP_PIPE_DIR/pipelines/$INSTRUMENT/cpFlat.yaml" \
    -d "$SELECTION_FLAT_g and band='g'" --register-dataset-types
butler certify-calibrations "$REPO" "$made/flatGen-g.20250207a" "$made/flat-g.20250207a" flat
butler collection-chain "$REPO" --mode prepend "$ticket" "$made/flat-g.20250207a"

# --- verify science
pipetask run -b "$REPO" -i "$ticket,$RAW_COLLECTION,$CALIB_COLLECTIONS" \
    -o "$made/verifyScience.20250210a" -p "$CP_VERIFY_DIR/pipelines/$INSTRUMENT/verifyScience.yaml" \
    -d "$SELECTION_SCIENCE_V" --register-dataset-types

# --- verify bias
pipetask run -b "$REPO" -i "$ticket,$RAW_COLLECTION,$CALIB_COLLECTIONS" \
    -o "$made/verifyBias.20250210a" -p "$CP_VERIFY_DIR/pipelines/$INSTRUMENT/verifyBias.yaml" \
    -d "$SELECTION_BIAS_V" --register-dataset-types

# --- verify flat_g
pipetask run -b "$REPO" -i "$ticket,$RAW_COLLECTION,$CALIB_COLLECTIONS" \
    -o "$made/verifyFlat-g.20250210a" -p "$CP_VERIFY_DIR/pipelines/$INSTRUMENT/verifyFlat.yaml" \
    -d "$SELECTION_FLAT_g and band='g'" --register-dataset-types

# --- report
if [ -x "$CP_VERIFY_DIR/bin/cpv_report.py" ]; then
    "$CP_VERIFY_DIR/bin/cpv_report.py" -r "$REPO" -O "$files/report" \
        -c "$made/verifyScience.20250210a" \
        -c "$made/verifyBias.20250210a" \
        -c "$made/verifyFlat-g.20250210a" \
        -c "$made/defectGen.20250207a" \
        -c "$made/biasGen.20250207a" \
        -c "$made/flatGen-g.20250207a"
fi
