package bolt

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// A record decodes to something that encodes to the same, or is corrupt; nothing panics.
func FuzzObjectRecord(f *testing.F) {
	f.Add(encodeObject(store.Object{
		ObjectInfo: store.ObjectInfo{
			Size: 5, ETag: "e", ContentType: "t", Headers: map[string]string{"Expires": "0"}, Meta: map[string]string{"a": ""},
			Tags: map[string]string{"t": "1"}, Checksum: store.Checksum{Algorithm: "CRC32", Type: "COMPOSITE", Value: "x-2"},
			PartSizes: []int64{2, 3}, PartChecksums: []string{"", "y"}, Seq: 7,
		},
		Segments: []store.Segment{{Blob: "b", Offset: 1, Length: 5}}, UploadID: "u",
	}))
	f.Fuzz(func(t *testing.T, record []byte) {
		for _, deep := range []bool{true, false} {
			o, err := decodeObject("bucket", "key", record, deep)
			if err != nil {
				if !errors.Is(err, errCorrupt) {
					t.Error(err)
				}
				continue
			}
			o.Modified = set(o.Modified)
			again, err := decodeObject("bucket", "key", encodeObject(o), deep)
			if err != nil || !reflect.DeepEqual(again, o) {
				t.Errorf("%+v comes back as %+v, %v", o, again, err)
			}
		}
	})
}

// set is a time that a record can hold: one that was never set it cannot.
func set(t time.Time) time.Time {
	if t.IsZero() {
		return time.Unix(0, 0).UTC()
	}
	return t
}

func FuzzPartRecord(f *testing.F) {
	f.Add(encodePart(store.Part{PartInfo: store.PartInfo{Number: 3, Size: 5, ETag: "e", Checksum: "c", Seq: 9}, Segments: []store.Segment{{Blob: "b", Length: 5}}}))
	f.Fuzz(func(t *testing.T, record []byte) {
		p, err := decodePart(record)
		if err != nil {
			if !errors.Is(err, errCorrupt) {
				t.Error(err)
			}
			return
		}
		p.Modified = set(p.Modified)
		if again, err := decodePart(encodePart(p)); err != nil || !reflect.DeepEqual(again, p) {
			t.Errorf("%+v comes back as %+v, %v", p, again, err)
		}
	})
}

// Keys of one bucket lie together and none is mistaken for another's; after is above all of
// them and below the rest.
func FuzzKeys(f *testing.F) {
	f.Add("b", "k", "b2", "l")
	f.Fuzz(func(t *testing.T, bucket, key, other, otherKey string) {
		a, b := objectKey(bucket, key), objectKey(other, otherKey)
		if string(a) == string(b) && (bucket != other || key != otherKey) && !hasNUL(bucket) && !hasNUL(other) {
			t.Errorf("%q/%q and %q/%q are one", bucket, key, other, otherKey)
		}
		if next := after(a); next != nil && string(next) <= string(objectKey(bucket, key+otherKey)) {
			t.Errorf("%q is not after %q", next, key+otherKey)
		}
	})
}

func hasNUL(s string) bool {
	for i := range len(s) {
		if s[i] == 0 {
			return true
		}
	}
	return false
}
