"""Text with places.

`reader` takes an ini apart, `sources` finds files and fills variables, `messages` prints a mistake with its
line and a caret, `foreign` knows the words of other programs.
"""
