"""The one organisation of the embedded sandbox and its key: documented, and worthless anywhere else."""

SANDBOX_ORGANISATION = "0b0f3f8e-6d7b-4f0d-8a3f-5a4d1b6a2c33"
SANDBOX_KEY = "sandbox_practice_key"
