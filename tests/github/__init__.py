"""The workflows of ``.github``, carried out."""
