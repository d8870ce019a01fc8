package bolt

import (
	"bytes"
	"encoding/binary"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// The tables, each a bbolt bucket.
//
//	buckets  name                      → JSON bucketRecord
//	objects  name \0 key               → object record
//	uploads  name \0 key \0 upload id  → JSON store.UploadInfo
//	parts    upload id, number (2 bytes, big endian) → part record
//	prefixes name \0 prefix           → JSON prefixRecord
//	shared   blob id                   → 4 bytes: references to it, where there are more than one
//
// A bucket's name holds no NUL, so that keys of one bucket lie together in the order of their bytes.
var (
	tableMeta    = []byte("meta")
	tableBuckets = []byte("buckets")
	tableObjects = []byte("objects")
	tableUploads = []byte("uploads")
	tableParts   = []byte("parts")
	tableShared  = []byte("shared")
	// tablePrefixes is missing in files of programs that did not count prefixes.
	tablePrefixes = []byte("prefixes")
)

func objectKey(bucket, key string) []byte {
	b := make([]byte, 0, len(bucket)+1+len(key))
	b = append(b, bucket...)
	b = append(b, 0)
	return append(b, key...)
}

func uploadKey(bucket, key, id string) []byte {
	b := append(objectKey(bucket, key), 0)
	return append(b, id...)
}

func partKey(id string, number int) []byte {
	return binary.BigEndian.AppendUint16([]byte(id), uint16(number))
}

// after is the smallest byte string above every one that begins with p; nil where there is none.
func after(p []byte) []byte {
	q := bytes.Clone(p)
	for i := len(q) - 1; i >= 0; i-- {
		if q[i] != 0xff {
			q[i]++
			return q[:i+1]
		}
	}
	return nil
}

// retain adds a reference to each segment's blob. The first reference of a blob is not
// counted anywhere: objects that share nothing cost nothing here.
func (t *txn) retain(segments []store.Segment) error {
	for _, s := range segments {
		n := uint32(1)
		if v := t.shared.Get([]byte(s.Blob)); v != nil {
			n = binary.BigEndian.Uint32(v)
		}
		if err := t.shared.Put([]byte(s.Blob), binary.BigEndian.AppendUint32(nil, n+1)); err != nil {
			return err
		}
	}
	return nil
}

// release gives up a reference to each segment's blob and returns the blobs that have none left.
func (t *txn) release(segments []store.Segment) (freed []string, err error) {
	for _, s := range segments {
		v := t.shared.Get([]byte(s.Blob))
		switch {
		case v == nil:
			freed = append(freed, s.Blob)
		case binary.BigEndian.Uint32(v) <= 2:
			err = t.shared.Delete([]byte(s.Blob))
		default:
			err = t.shared.Put([]byte(s.Blob), binary.BigEndian.AppendUint32(nil, binary.BigEndian.Uint32(v)-1))
		}
		if err != nil {
			return nil, err
		}
	}
	return freed, nil
}
