"""A topic with half a line."""


def prayog_params(:
