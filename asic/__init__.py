"""What an engine costs in silicon: area and timing on SkyWater 130."""
