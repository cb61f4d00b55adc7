"""What a newcomer plays with: embedded demo servers and the layer-4 lab."""
