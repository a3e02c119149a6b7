# People, animals and vehicles in COCO images, and in videos: of one labelled object each (DAVIS 2016 in the YouTube-VIS
# layout), or YouTube-VIS 2019. The two validation sets are in no training, neither as clips nor as what is pasted into
# them.
_classes = dict(classes=('person', 'animal', 'vehicle'))
_most_objects = 40  # of an image that the model has to find

# By name. What is in neither map is background.
coco_class_map = dict(
    person='person',
    bird='animal',
    cat='animal',
    dog='animal',
    horse='animal',
    sheep='animal',
    cow='animal',
    elephant='animal',
    bear='animal',
    zebra='animal',
    giraffe='animal',
    bicycle='vehicle',
    car='vehicle',
    motorcycle='vehicle',
    airplane='vehicle',
    bus='vehicle',
    train='vehicle',
    truck='vehicle',
    boat='vehicle',
)
davis_class_map = dict(person='person', animal='animal', vehicle='vehicle')  # its fourth category is a ball
youtube_vis_2019_class_map = dict(
    person='person',
    giant_panda='animal',
    lizard='animal',
    parrot='animal',
    ape='animal',
    dog='animal',
    snake='animal',
    monkey='animal',
    rabbit='animal',
    duck='animal',
    cat='animal',
    cow='animal',
    fish='animal',
    horse='animal',
    turtle='animal',
    bear='animal',
    giraffe='animal',
    leopard='animal',
    fox='animal',
    deer='animal',
    owl='animal',
    zebra='animal',
    tiger='animal',
    elephant='animal',
    shark='animal',
    mouse='animal',
    frog='animal',
    eagle='animal',
    earless_seal='animal',
    sedan='vehicle',
    train='vehicle',
    motorbike='vehicle',
    airplane='vehicle',
    truck='vehicle',
    boat='vehicle',
)

_coco_files = dict(
    data_root='data/coco/', ann_file='annotations/instances_train2017.json', data_prefix=dict(img='train2017')
)
_davis_files = dict(data_root='data/davis/', ann_file='instances.json', data_prefix=dict(img='JPEGImages'))
_validation_images = 'configs/real/validation_images.txt'
_validation_sequences = ['bear', 'boat', 'dog-agility', 'hike', 'scooter-gray', 'tennis']

_coco = dict(
    type='COCOPseudoVideoDataset',
    **_coco_files,
    metainfo=_classes,
    class_map=coco_class_map,
    without=_validation_images,
    max_objects=_most_objects,
    # Nobody knows whether what is found there is right: crowds, the smallest of many objects, and in images where just
    # one person is labelled all but that person.
    surplus='ignore',
    crowds='ignore',
    partly_labelled='person_only',
)
# The same, after a model has completed the labels of images where just one person is labelled: its categories are the
# classes. tools/misc/complete_labels.py writes it.
_coco_completed = dict(_coco, ann_file='annotations/instances_train2017_completed.json', class_map=None)
_davis = dict(
    type='YouTubeVISDataset',
    **_davis_files,
    metainfo=_classes,
    class_map=davis_class_map,
    without=_validation_sequences,
    max_gap=3,
    partly_labelled=True,  # nobody among the spectators and passers-by is labelled
)
_youtube_vis = dict(
    type='YouTubeVISDataset',
    data_root='data/youtube_vis_2019/',
    ann_file='train.json',
    data_prefix=dict(img='train/JPEGImages'),
    metainfo=_classes,
    class_map=youtube_vis_2019_class_map,
    max_gap=1,  # five frames a second
)

_load = [dict(type='LoadClipFrames'), dict(type='LoadClipAnnotations')]
# At first every clip gets some: most images show one object or none, and queries learn to divide objects among them
# only where there are several. Later few do, or what looks out of place is taken for an object.
_paste_much, _paste = (
    dict(
        type='VideoCopyPaste',
        classes=_classes['classes'],
        max_objects=max_objects,
        max_total=_most_objects,
        prob=prob,
    )
    for max_objects, prob in ((6, 1.0), (3, 0.3))
)
# Scale jitter: images in sizes from less than a window's to larger, then a window of one size. Windows grow from stage
# to stage: small ones go fast, and the last are as large as what is tested. In the last kind sizes differ more.
_augment_small, _augment_medium, _augment_large, _augment_varied = (
    [
        dict(type='RandomClipResize', scales=[(side, side * 3 // 4) for side in sides]),
        dict(type='RandomClipWindow', size=window),
        dict(type='RandomClipFlip', prob=0.5),
        dict(type='ClipPhotometricDistortion', hue=10.0),
    ]
    for sides, window in (
        ((160, 192, 224, 256, 304, 352), (192, 144)),
        ((240, 280, 320, 384, 448), (320, 240)),
        ((384, 448, 512), (448, 336)),
        ((320, 384, 448, 512, 576, 640), (448, 336)),
    )
)
_pack = [dict(type='PackClip')]
# On two cores a loader process would compete with those that train.
_loader = dict(num_workers=0, persistent_workers=False)

# Still images, one frame a clip.
_still = dict(num_references=0, num_targets=1)
coco_stills_small, coco_stills_medium, coco_stills_large, coco_stills_completed = (
    dict(
        train_dataloader=dict(
            batch_size=batch_size,
            **_loader,
            sampler=dict(type='ClipSampler'),
            dataset=dict(
                **images,
                **_still,
                drop_empty_images=False,
                pipeline=[
                    *_load,
                    dict(**paste, sources=[dict(**images, **_still, pipeline=_load)]),
                    *augment,
                    *_pack,
                ],
            ),
        )
    )
    for batch_size, images, paste, augment in (
        (4, _coco, _paste_much, _augment_small),
        (4, _coco, _paste_much, _augment_medium),
        (2, _coco, _paste, _augment_large),
        (2, _coco_completed, _paste, _augment_varied),
    )
)

# Clips of videos and of images, three of images for one of videos: as they are meant, without context, without
# copy-paste; and with YouTube-VIS.
_clip = dict(num_references=1, num_targets=2)
_clip_ref0 = dict(num_references=0, num_targets=2)
_motion = [
    dict(type='ObjectMotion', prob=0.5),
    dict(type='ClipMotion', translate=0.15, rotate=10.0, scale=1.2, perspective=0.05),
]
_effects = [dict(type='ClipPhotometricDrift', prob=0.5), dict(type='ClipBlur')]
_variants = [
    (
        batch_size,
        weights,
        videos,
        images,
        frames,
        [dict(**_paste, sources=[dict(**part, **frames, pipeline=_load) for part in (videos, images)])]
        if paste
        else [],
    )
    for batch_size, weights, videos, images, frames, paste in (
        (1, (1.0, 3.0), _davis, _coco_completed, _clip, True),
        (1, (1.0, 3.0), _davis, _coco_completed, _clip_ref0, True),
        (1, (1.0, 3.0), _davis, _coco_completed, _clip, False),
        (4, (1.0, 1.0), _youtube_vis, _coco, _clip, True),
    )
]
coco_davis, coco_davis_ref0, coco_davis_no_paste, coco_youtube_vis = (
    dict(
        train_dataloader=dict(
            batch_size=batch_size,
            **_loader,
            sampler=dict(type='JointSampler', weights=weights),
            dataset=dict(
                _delete_=True,
                type='JointDataset',
                **frames,
                datasets=[
                    dict(**videos, pipeline=[*_load, *pasted, *_augment_large, *_pack]),
                    dict(
                        **images,
                        drop_empty_images=False,
                        pipeline=[*_load, *_motion, *pasted, *_augment_large, *_effects, *_pack],
                    ),
                ],
            ),
        )
    )
    for batch_size, weights, videos, images, frames, pasted in _variants
)

# Testing: the sequences as videos, the images as videos of one frame. After each stage frames are as large as its
# windows.
_test = dict(batch_size=1, **_loader, sampler=dict(type='VideoFrameSampler'))
_images = dict(class_map=coco_class_map, only=_validation_images)
_sequences = dict(class_map=davis_class_map, only=_validation_sequences)
_image_truth = dict(ann_file=_coco_files['data_root'] + _coco_files['ann_file'], **_images)
_sequence_truth = dict(ann_file=_davis_files['data_root'] + _davis_files['ann_file'], **_sequences)
test_sets_small, test_sets_medium, test_sets_large = (
    dict(
        images=dict(
            dataloader=dict(**_test, dataset=dict(**tested, **_coco_files, **_images)),
            evaluator=[
                dict(type='VISMetric', ann_file=_image_truth, class_ap50=True),
                dict(type='ErrorBreakdownMetric', ann_file=_image_truth, per_class=True),
            ],
            model=dict(score_thr=0.05),  # as on COCO, where what is unsure counts too, after what is sure
        ),
        sequences=dict(
            dataloader=dict(**_test, dataset=dict(**tested, **_davis_files, **_sequences)),
            evaluator=[
                dict(type='VISMetric', ann_file=_sequence_truth),
                dict(type='OrderMetric', ann_file=_sequence_truth),
                dict(type='RegionMetric', ann_file=_sequence_truth, per_video=True),
            ],
        ),
    )
    for tested in (
        dict(
            type='YouTubeVISDataset',
            metainfo=_classes,
            test_mode=True,
            pipeline=[
                dict(type='LoadClipFrames'),
                dict(type='ClipResize', scale=scale, keep_ratio=True),
                dict(type='PackClip'),
            ],
        )
        for scale in ((192, 144), (320, 240), (448, 336))
    )
)
