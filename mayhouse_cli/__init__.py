"""The money side of an experience-booking platform, as a command-line tool for its operators."""
