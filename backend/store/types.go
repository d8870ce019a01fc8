package store

import "time"

// Limits of S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html.
const (
	MaxKey     = 1024               // bytes of a key
	MaxPart    = 10000              // highest part number
	MinPart    = 5 << 20            // bytes of every part but the last
	MaxPutSize = 5 << 40            // bytes of one object
	MaxPage    = 1000               // entries S3 returns in one page of a list
	retries    = 8                  // how often an operation is begun again after losing a race
	expiry     = 7 * 24 * time.Hour // of uploads that nobody completed
)

// Usage counts what is stored. Bytes are logical: what clients sent, not what the disk holds.
type Usage struct {
	Bytes     int64 `json:"bytes"`      // of objects
	PartBytes int64 `json:"part_bytes"` // of parts of uploads in flight; they count against quotas (SPEC B26)
	Objects   int64 `json:"objects"`
}

// Total is what quotas are held against.
func (u Usage) Total() int64 { return u.Bytes + u.PartBytes }

// Add is the sum of both.
func (u Usage) Add(v Usage) Usage {
	return Usage{Bytes: u.Bytes + v.Bytes, PartBytes: u.PartBytes + v.PartBytes, Objects: u.Objects + v.Objects}
}

// BucketInfo is a bucket and what it holds.
type BucketInfo struct {
	Name    string
	Owner   string // id of the peer that made it
	Created time.Time
	Quota   int64 // bytes; 0: unlimited
	Usage
}

// PrefixInfo is a prefix whose objects and parts are counted (a managed workspace, say),
// and what it holds. Prefixes may lie in one another.
type PrefixInfo struct {
	Bucket string
	Prefix string // ends in "/"
	Quota  int64  // bytes; 0: unlimited
	Usage
}

// Checksum is one of S3's additional checksums:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html.
type Checksum struct {
	Algorithm string // CRC32, CRC32C, CRC64NVME, SHA1, SHA256; empty: none
	Type      string // FULL_OBJECT or COMPOSITE
	Value     string // base64, with "-N" after it where composite
}

// ObjectInfo is everything about an object but its bytes.
type ObjectInfo struct {
	Bucket      string
	Key         string
	Size        int64 // bytes
	Modified    time.Time
	ETag        string // without quotes
	ContentType string
	Headers     map[string]string // Cache-Control, Content-Disposition, Content-Encoding, Content-Language, Expires; canonical names
	Meta        map[string]string // user metadata; lower-case names without x-amz-meta-
	Checksum    Checksum
	// What follows up to Seq is not filled in by a list.
	Tags          map[string]string // the object's tag set
	PartSizes     []int64           // bytes of each part; nil where it was not a multipart upload
	PartChecksums []string          // base64 in Checksum's algorithm, as PartSizes; nil where the parts have none
	Seq           uint64            // given by the index; differs for every write of a key, its tags included
}

// Segment is a piece of a blob.
type Segment struct {
	Blob   string
	Offset int64
	Length int64
	Sum    uint32 // CRC-32C (Castagnoli) of its bytes; it is what Check and small reads verify
}

// Object is an ObjectInfo with where its bytes are.
type Object struct {
	ObjectInfo
	Segments []Segment // in order; none where the object is empty
	UploadID string    // of the multipart upload it was made by; a repeated complete is answered by it
}

// UploadInfo is a multipart upload in flight.
type UploadInfo struct {
	Bucket            string
	Key               string
	ID                string
	Owner             string
	Created           time.Time
	ContentType       string
	Headers           map[string]string
	Meta              map[string]string
	Tags              map[string]string
	ChecksumAlgorithm string // empty: parts carry none
	ChecksumType      string
}

// PartInfo is an uploaded part.
type PartInfo struct {
	Number   int // 1 to MaxPart
	Size     int64
	ETag     string
	Modified time.Time
	Checksum string // base64, of the upload's algorithm; empty: none
	Seq      uint64 // given by the index
}

// Part is a PartInfo with where its bytes are.
type Part struct {
	PartInfo
	Segments []Segment
}

// ListOptions ask for a page of a bucket in the order of the keys' bytes.
type ListOptions struct {
	Prefix    string
	Delimiter string // keys that have it after the prefix are rolled up into Page.Prefixes
	// StartAfter is a key, or a prefix that an earlier page rolled up: the page begins after it.
	StartAfter string
	Max        int // objects and prefixes together; 0: MaxPage
}

// Page is one answer of a list.
type Page struct {
	Objects   []ObjectInfo
	Prefixes  []string
	Truncated bool
	Next      string // StartAfter of the next page; set where Truncated
}

// Condition is checked in the transaction that changes the key (SPEC B12). The zero value always holds.
type Condition struct {
	IfMatch     string // ETag the present object must have, or "*" for any; NoSuchKey where there is none
	IfNoneMatch bool   // there must be no object: If-None-Match: *
}

// Check compares old, nil where there is no object.
func (c Condition) Check(old *ObjectInfo) error {
	switch {
	case c.IfNoneMatch && old != nil:
		return Refuse(PreconditionFailed, "the object exists already")
	case c.IfMatch != "" && old == nil:
		return Refuse(NoSuchKey, "the object does not exist")
	case c.IfMatch != "" && c.IfMatch != "*" && c.IfMatch != old.ETag:
		return Refuse(PreconditionFailed, "the object has another ETag")
	}
	return nil
}
