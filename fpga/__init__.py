"""What runs on a desk: boards, bitstreams by edalize, and the link to an engine on a board."""
