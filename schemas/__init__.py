"""The frozen records that one part of the program hands to the next: one noun a file, nothing of ours imported."""
