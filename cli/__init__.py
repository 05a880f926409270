"""The command line `mpt`: photos to meshes, the service, training and weights, each by one command."""
