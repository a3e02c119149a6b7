"""Classes of the 50 sequences of DAVIS 2016 (Perazzi et al., CVPR 2016), which come without any.

Each sequence has one object. Where its mask covers a rider and what carries the rider, the class is ``person`` on a BMX
bicycle, with a board or under a kite, ``animal`` on a horse, and ``vehicle`` on a motorcycle, scooter or soapbox.
"""

from .class_table import ClassTable

_SEQUENCES = {
    'person': (
        'bmx-bumps bmx-trees breakdance breakdance-flare dance-jump dance-twirl hike hockey kite-surf kite-walk lucia '
        'paragliding paragliding-launch parkour rollerblade stroller surf swing tennis'
    ),
    'animal': (
        'bear blackswan camel cows dog dog-agility elephant flamingo goat horsejump-high horsejump-low libby '
        'mallard-fly mallard-water rhino'
    ),
    'vehicle': (
        'boat bus car-roundabout car-shadow car-turn drift-chicane drift-straight drift-turn motocross-bumps '
        'motocross-jump motorbike scooter-black scooter-gray soapbox train'
    ),
    'ball': 'soccerball',
}
DAVIS_2016_CLASSES = ClassTable(
    {sequence: name for name, sequences in _SEQUENCES.items() for sequence in sequences.split()},
    'classes of DAVIS 2016',
    one_object=True,
)
