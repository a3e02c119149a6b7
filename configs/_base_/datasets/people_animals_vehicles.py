# People, animals and vehicles. Training data: COCO images, further still images, and the videos of DAVIS 2016 with one
# labelled object each. A config of configs/real chooses among the data sets below and gives the pipeline.
#
# The two validation sets are in no training, neither as clips nor as objects that are pasted into clips.

classes = ('person', 'animal', 'vehicle')
max_objects = 40  # of an image; further ones are ignored regions

# Category of the file to class. Categories that are not listed are background.
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

validation_images = 'configs/real/validation_images.txt'
validation_sequences = ['bear', 'boat', 'dog-agility', 'hike', 'scooter-gray', 'tennis']

# COCO images. Ignored regions: crowds, the smallest of more than 40 objects, and everything outside the labelled person
# in images with the field `person_only`, where only one person is labelled.
coco = dict(
    type='COCOPseudoVideoDataset',
    data_root='data/coco/',
    ann_file='annotations/instances_train2017.json',
    data_prefix=dict(img='train2017'),
    metainfo=dict(classes=classes),
    class_map=coco_class_map,
    exclude=validation_images,
    max_objects=max_objects,
    overflow='ignore',
    crowds='ignore',
    partly_labelled='person_only',
    drop_empty_images=False,
)
# Further still images whose categories are the classes. Outside the labelled objects of an image with the field
# `partly_labelled`, everything is ignored.
stills = dict(
    type='COCOPseudoVideoDataset',
    data_root='data/stills/',
    ann_file='instances.json',
    data_prefix=dict(img='images'),
    metainfo=dict(classes=classes),
    max_objects=max_objects,
    overflow='ignore',
    crowds='ignore',
    partly_labelled='partly_labelled',
    drop_empty_images=False,
)
# Videos. Outside the one labelled object everything is ignored.
davis = dict(
    type='YouTubeVISDataset',
    data_root='data/davis/',
    ann_file='instances.json',
    data_prefix=dict(img='JPEGImages'),
    metainfo=dict(classes=classes),
    class_map=davis_class_map,
    exclude=validation_sequences,
    max_gap=3,
    partly_labelled=True,
)
# The still images after tools/misc/complete_labels.py has completed their labels, with the model of stage 2 for round 1
# and that of stage 4 for round 2; its categories are the classes.
coco_round1 = dict(coco, ann_file='annotations/instances_train2017_round1.json', class_map=None)
coco_round2 = dict(coco, ann_file='annotations/instances_train2017_round2.json', class_map=None)
stills_round1 = dict(stills, ann_file='instances_round1.json')
stills_round2 = dict(stills, ann_file='instances_round2.json')
complete = 'python tools/misc/complete_labels.py '
with_stage2 = complete + 'configs/real/rcf_r18_stills_320.py work_dirs/rcf_r18_stills_320/iter_700.pth '
with_stage4 = (
    complete + 'configs/real/rcf_r18_people-animals-vehicles_round1.py '
    'work_dirs/rcf_r18_people-animals-vehicles_round1/iter_400.pth --data configs/real/rcf_r18_stills_320.py '
)
data_commands = {
    'data/coco/annotations/instances_train2017_round1.json': with_stage2
    + '--dataset 0 --out data/coco/annotations/instances_train2017_round1.json '
    '--accept-thr 0.5 person=1 --ignore-thr 0.15 person=0.5',
    'data/stills/instances_round1.json': with_stage2
    + '--dataset 1 --out data/stills/instances_round1.json --accept-thr 0.5 --ignore-thr 0.15',
    'data/coco/annotations/instances_train2017_round2.json': with_stage4
    + '--dataset 0 --out data/coco/annotations/instances_train2017_round2.json '
    '--accept-thr 0.5 person=1 --ignore-thr 0.15 person=0.5 vehicle=0.05',
    'data/stills/instances_round2.json': with_stage4
    + '--dataset 1 --out data/stills/instances_round2.json --accept-thr 0.5 --ignore-thr 0.15 vehicle=0.05',
}

# What VideoCopyPaste takes objects from: the same data sets, in clips as long as those of the training.
load_clip = [dict(type='LoadClipFrames'), dict(type='LoadClipAnnotations')]
one_frame = dict(num_references=0, num_targets=1, pipeline=load_clip)
three_frames = dict(num_references=1, num_targets=2, pipeline=load_clip)
paste_stills = [dict(coco, **one_frame), dict(stills, **one_frame)]
paste_stills_round1 = [dict(coco_round1, **one_frame), dict(stills_round1, **one_frame)]
paste_stills_round2 = [dict(coco_round2, **one_frame), dict(stills_round2, **one_frame)]
paste_clips_round1 = [dict(part, **three_frames) for part in (davis, coco_round1, stills_round1)]
paste_clips_round2 = [dict(part, **three_frames) for part in (davis, coco_round2, stills_round2)]

# Testing: the sequences as videos, the images as videos of one frame, resized to at most 448x336.
test_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='ClipResize', scale=(448, 336), keep_ratio=True),
    dict(type='PackClip'),
]
test_images = dict(
    type='YouTubeVISDataset',
    data_root='data/coco/',
    ann_file='annotations/instances_train2017.json',
    data_prefix=dict(img='train2017'),
    metainfo=dict(classes=classes),
    class_map=coco_class_map,
    only=validation_images,
    test_mode=True,
    pipeline=test_pipeline,
)
test_sequences = dict(
    type='YouTubeVISDataset',
    data_root='data/davis/',
    ann_file='instances.json',
    data_prefix=dict(img='JPEGImages'),
    metainfo=dict(classes=classes),
    class_map=davis_class_map,
    only=validation_sequences,
    test_mode=True,
    pipeline=test_pipeline,
)
image_truth = dict(
    ann_file='data/coco/annotations/instances_train2017.json', class_map=coco_class_map, only=validation_images
)
sequence_truth = dict(ann_file='data/davis/instances.json', class_map=davis_class_map, only=validation_sequences)
# Loading runs in the training process: on two cores a loader process would compete with training.
loader = dict(batch_size=1, num_workers=0, persistent_workers=False, sampler=dict(type='VideoFrameSampler'))
val_dataloader = dict(loader, dataset=test_images)
val_evaluator = [dict(type='VISMetric', ann_file=image_truth, class_ap50=True)]
test_dataloader = dict(loader, dataset=test_sequences)
test_evaluator = [
    dict(type='VISMetric', ann_file=sequence_truth),
    dict(type='OrderMetric', ann_file=sequence_truth),
    dict(type='RegionMetric', ann_file=sequence_truth, per_video=True),
]
test_sets = dict(
    images=dict(
        dataloader=val_dataloader,
        evaluator=[*val_evaluator, dict(type='ErrorBreakdownMetric', ann_file=image_truth, per_class=True)],
        # AP counts predictions of low score too, after those of higher score.
        model=dict(score_thr=0.05, tracker=dict(start_score=None)),
    ),
    sequences=dict(dataloader=test_dataloader, evaluator=test_evaluator),
)

train_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type='JointSampler', weights=(3.0, 1.0)),
    dataset=dict(type='JointDataset', datasets=[coco, stills], num_references=0, num_targets=1),
)
