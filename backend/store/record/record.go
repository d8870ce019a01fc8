// Package record is how objects and parts are written in an index: as bytes that grow new
// fields without a new format. It imports store, nothing else of this module.
package record

import (
	"encoding/binary"
	"errors"
	"sort"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// A record is a format byte and fields: uvarint tag, uvarint length, bytes. Tags that a
// reader does not know are skipped, so that fields can be added.
const format = 1

// ErrCorrupt says that bytes are not a record.
var ErrCorrupt = errors.New("corrupt record")

type tag uint64

const (
	tagSize tag = iota + 1
	tagModified
	tagETag
	tagContentType
	tagHeader
	tagMeta
	tagChecksumAlgorithm
	tagChecksumType
	tagChecksumValue
	tagPartSize
	tagSeq
	tagSegment
	tagUploadID
	tagNumber
	tagSegmentSum // of the segment before it
	tagObjectTag
	tagPartChecksum
)

type encoder struct{ b []byte }

func newEncoder() *encoder { return &encoder{b: append(make([]byte, 0, 160), format)} }

func (e *encoder) str(t tag, s string) {
	if s != "" {
		e.field(t, s)
	}
}

// field is str of a string that counts even where it is empty.
func (e *encoder) field(t tag, s string) {
	e.b = binary.AppendUvarint(e.b, uint64(t))
	e.b = binary.AppendUvarint(e.b, uint64(len(s)))
	e.b = append(e.b, s...)
}

func (e *encoder) num(t tag, n uint64) {
	var buf [binary.MaxVarintLen64]byte
	k := binary.PutUvarint(buf[:], n)
	e.b = binary.AppendUvarint(e.b, uint64(t))
	e.b = binary.AppendUvarint(e.b, uint64(k))
	e.b = append(e.b, buf[:k]...)
}

// pairs are sorted so that equal objects have equal records.
func (e *encoder) pairs(t tag, m map[string]string) {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		e.str(t, string(binary.AppendUvarint(nil, uint64(len(n))))+n+m[n])
	}
}

func (e *encoder) segments(list []store.Segment) {
	for _, s := range list {
		p := binary.AppendUvarint(nil, uint64(s.Offset))
		p = binary.AppendUvarint(p, uint64(s.Length))
		e.str(tagSegment, string(p)+s.Blob)
		e.num(tagSegmentSum, uint64(s.Sum))
	}
}

// fields calls fn with each field of a record. The bytes are the caller's: copy what is kept.
func fields(b []byte, fn func(t tag, v []byte) error) error {
	if len(b) == 0 || b[0] != format {
		return ErrCorrupt
	}
	b = b[1:]
	for len(b) > 0 {
		t, n := binary.Uvarint(b)
		if n <= 0 {
			return ErrCorrupt
		}
		l, k := binary.Uvarint(b[n:])
		if k <= 0 || uint64(len(b)-n-k) < l {
			return ErrCorrupt
		}
		b = b[n+k:]
		if err := fn(tag(t), b[:l]); err != nil {
			return err
		}
		b = b[l:]
	}
	return nil
}

func number(v []byte) uint64 { n, _ := binary.Uvarint(v); return n }

func pair(m *map[string]string, v []byte) error {
	l, n := binary.Uvarint(v)
	if n <= 0 || uint64(len(v)-n) < l {
		return ErrCorrupt
	}
	if *m == nil {
		*m = map[string]string{}
	}
	(*m)[string(v[n:n+int(l)])] = string(v[n+int(l):])
	return nil
}

func segment(v []byte) (store.Segment, error) {
	off, n := binary.Uvarint(v)
	if n <= 0 {
		return store.Segment{}, ErrCorrupt
	}
	length, k := binary.Uvarint(v[n:])
	if k <= 0 {
		return store.Segment{}, ErrCorrupt
	}
	return store.Segment{Blob: string(v[n+k:]), Offset: int64(off), Length: int64(length)}, nil
}

// addSum completes the last segment; segments that were not read have none.
func addSum(list []store.Segment, v []byte) error {
	if len(list) > 0 {
		list[len(list)-1].Sum = uint32(number(v))
	}
	return nil
}

// EncodeObject leaves Bucket and Key out: they are what the record is found by.
func EncodeObject(o store.Object) []byte {
	e := newEncoder()
	e.num(tagSize, uint64(o.Size))
	e.num(tagModified, uint64(o.Modified.UnixNano()))
	e.str(tagETag, o.ETag)
	e.num(tagSeq, o.Seq)
	e.str(tagContentType, o.ContentType)
	e.pairs(tagHeader, o.Headers)
	e.pairs(tagMeta, o.Meta)
	e.str(tagChecksumAlgorithm, o.Checksum.Algorithm)
	e.str(tagChecksumType, o.Checksum.Type)
	e.str(tagChecksumValue, o.Checksum.Value)
	for _, s := range o.PartSizes {
		e.num(tagPartSize, uint64(s))
	}
	for _, c := range o.PartChecksums {
		e.field(tagPartChecksum, c)
	}
	e.pairs(tagObjectTag, o.Tags)
	e.str(tagUploadID, o.UploadID)
	e.segments(o.Segments)
	return e.b
}

// DecodeObject leaves out what a list does not need, segments among it, unless deep.
func DecodeObject(bucket, key string, b []byte, deep bool) (store.Object, error) {
	o := store.Object{ObjectInfo: store.ObjectInfo{Bucket: bucket, Key: key}}
	err := fields(b, func(t tag, v []byte) error {
		switch t {
		case tagSize:
			o.Size = int64(number(v))
		case tagModified:
			o.Modified = time.Unix(0, int64(number(v))).UTC()
		case tagETag:
			o.ETag = string(v)
		case tagSeq:
			o.Seq = number(v)
		case tagContentType:
			o.ContentType = string(v)
		case tagHeader:
			return pair(&o.Headers, v)
		case tagMeta:
			return pair(&o.Meta, v)
		case tagChecksumAlgorithm:
			o.Checksum.Algorithm = string(v)
		case tagChecksumType:
			o.Checksum.Type = string(v)
		case tagChecksumValue:
			o.Checksum.Value = string(v)
		case tagPartSize:
			if deep {
				o.PartSizes = append(o.PartSizes, int64(number(v)))
			}
		case tagPartChecksum:
			if deep {
				o.PartChecksums = append(o.PartChecksums, string(v))
			}
		case tagObjectTag:
			if deep {
				return pair(&o.Tags, v)
			}
		case tagUploadID:
			o.UploadID = string(v)
		case tagSegment:
			if deep {
				s, err := segment(v)
				o.Segments = append(o.Segments, s)
				return err
			}
		case tagSegmentSum:
			return addSum(o.Segments, v)
		}
		return nil
	})
	return o, err
}

// EncodePart is of a part with its number.
func EncodePart(p store.Part) []byte {
	e := newEncoder()
	e.num(tagSize, uint64(p.Size))
	e.num(tagModified, uint64(p.Modified.UnixNano()))
	e.str(tagETag, p.ETag)
	e.num(tagSeq, p.Seq)
	e.num(tagNumber, uint64(p.Number))
	e.str(tagChecksumValue, p.Checksum)
	e.segments(p.Segments)
	return e.b
}

// DecodePart is the inverse of EncodePart.
func DecodePart(b []byte) (store.Part, error) {
	var p store.Part
	err := fields(b, func(t tag, v []byte) error {
		switch t {
		case tagSize:
			p.Size = int64(number(v))
		case tagModified:
			p.Modified = time.Unix(0, int64(number(v))).UTC()
		case tagETag:
			p.ETag = string(v)
		case tagSeq:
			p.Seq = number(v)
		case tagNumber:
			p.Number = int(number(v))
		case tagChecksumValue:
			p.Checksum = string(v)
		case tagSegment:
			s, err := segment(v)
			p.Segments = append(p.Segments, s)
			return err
		case tagSegmentSum:
			return addSum(p.Segments, v)
		}
		return nil
	})
	return p, err
}

// EachBlob calls fn with the blobs of a record of either kind.
func EachBlob(b []byte, fn func(blob string)) error {
	return fields(b, func(t tag, v []byte) error {
		if t != tagSegment {
			return nil
		}
		s, err := segment(v)
		if err == nil {
			fn(s.Blob)
		}
		return err
	})
}
