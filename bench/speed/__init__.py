"""Speed of this engine and of peers: systems, roofline, scaling."""
