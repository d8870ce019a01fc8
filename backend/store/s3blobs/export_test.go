package s3blobs

import "time"

// SetUploadMax has a sweep give up uploads of that age.
func (b *Blobs) SetUploadMax(d time.Duration) { b.uploadMax = d }
