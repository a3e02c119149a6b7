"""Segment and track the objects of a video: the command ``mmrcf-demo``, from the source tree."""

from mmrcf.demo import main, parse_args

__all__ = ['main', 'parse_args']

if __name__ == '__main__':
    main()
