"""One reader of annotation files: YouTube-VIS, COCO and CocoVID JSON become records with every field checked."""
