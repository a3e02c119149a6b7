"""A page to drop a video on: ``mmrcf-web``, or :func:`mmrcf.web.server.serve`. It needs Gradio: the extra ``web``."""
