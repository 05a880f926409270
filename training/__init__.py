"""How the network learns: bodies, MoCap, images, recipes and the loop. May import `model`, never the reverse."""
