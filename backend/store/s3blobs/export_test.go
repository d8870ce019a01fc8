package s3blobs

import "time"

// SetUploadMax has a sweep give up uploads of that age.
func (b *Blobs) SetUploadMax(d time.Duration) { b.uploadMax = d }

// SetSweep bounds how many blobs a sweep looks at in one go, and lists in one part.
func (b *Blobs) SetSweep(inventory, partMost int) { b.inventory, b.partMost = inventory, partMost }
