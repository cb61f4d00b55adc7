"""Headers as they stand in a frame: read, check, rewrite, build.  Nothing here decides."""
