"""How each application protocol cuts its bytes into messages: `talk` is the seam, `choosing` says who speaks."""
