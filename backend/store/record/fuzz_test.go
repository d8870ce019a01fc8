package record

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// A record decodes to something that encodes to the same, or is corrupt; nothing panics.
func FuzzObjectRecord(f *testing.F) {
	f.Add(EncodeObject(store.Object{
		ObjectInfo: store.ObjectInfo{
			Size: 5, ETag: "e", ContentType: "t", Headers: map[string]string{"Expires": "0"}, Meta: map[string]string{"a": ""},
			Tags: map[string]string{"t": "1"}, Checksum: store.Checksum{Algorithm: "CRC32", Type: "COMPOSITE", Value: "x-2"},
			PartSizes: []int64{2, 3}, PartChecksums: []string{"", "y"}, Seq: 7,
		},
		Segments: []store.Segment{{Blob: "b", Offset: 1, Length: 5}}, UploadID: "u",
	}))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, deep := range []bool{true, false} {
			o, err := DecodeObject("bucket", "key", data, deep)
			if err != nil {
				if !errors.Is(err, ErrCorrupt) {
					t.Error(err)
				}
				continue
			}
			o.Modified = set(o.Modified)
			again, err := DecodeObject("bucket", "key", EncodeObject(o), deep)
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
	f.Add(EncodePart(store.Part{PartInfo: store.PartInfo{Number: 3, Size: 5, ETag: "e", Checksum: "c", Seq: 9}, Segments: []store.Segment{{Blob: "b", Length: 5}}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := DecodePart(data)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Error(err)
			}
			return
		}
		p.Modified = set(p.Modified)
		if again, err := DecodePart(EncodePart(p)); err != nil || !reflect.DeepEqual(again, p) {
			t.Errorf("%+v comes back as %+v, %v", p, again, err)
		}
	})
}
