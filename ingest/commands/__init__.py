"""What the command line answers: each command's document, made of the same steps that the pages call."""
