"""Conditions of rules, made ready to run: used by layer 7 and by the configuration.

`facts` says what a request can be asked for and which operators fit, `spellings` how its values are spelled,
`compile` makes a function of a condition, `regexes` is the engine for what users write, `shadowing` finds
rules that can never match.
"""
