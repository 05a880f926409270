"""How the network learns that reads bones' depths out of BlazePose's features."""
