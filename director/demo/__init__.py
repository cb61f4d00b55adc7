"""Embedded demo servers, so that the shipped configuration runs without anything else."""
