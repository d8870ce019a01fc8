package checksum

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Part is one part's checksum (base64) and size in bytes.
type Part struct {
	Value string
	Size  int64
}

// Combine makes an object's checksum of its parts', without their bytes.
func Combine(algorithm, typ string, parts []Part) (string, error) {
	if !Allowed(algorithm, typ) {
		return "", fmt.Errorf("%s cannot be %s", algorithm, typ)
	}
	if typ == Composite {
		h, err := New(algorithm)
		if err != nil {
			return "", err
		}
		for _, p := range parts {
			raw, err := base64.StdEncoding.DecodeString(p.Value)
			if err != nil {
				return "", err
			}
			h.Write(raw)
		}
		return fmt.Sprintf("%s-%d", Encode(h), len(parts)), nil
	}
	width, poly := 4, uint64(crc32.IEEE)
	switch algorithm {
	case CRC32C:
		poly = crc32.Castagnoli
	case CRC64NVME:
		width, poly = 8, nvme
	}
	var sum uint64
	for i, p := range parts {
		raw, err := base64.StdEncoding.DecodeString(p.Value)
		if err != nil || len(raw) != width {
			return "", fmt.Errorf("%q is no %s", p.Value, algorithm)
		}
		v := uint64FromBytes(raw)
		if i == 0 {
			sum = v
		} else {
			sum = concat(poly, width*8, sum, v, p.Size)
		}
	}
	raw := binary.BigEndian.AppendUint64(nil, sum)
	return base64.StdEncoding.EncodeToString(raw[8-width:]), nil
}

func uint64FromBytes(b []byte) (v uint64) {
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v
}

// matrix is a linear map over GF(2) of a CRC's register: column i is the image of bit i.
type matrix []uint64

func (m matrix) times(v uint64) (sum uint64) {
	for i := 0; v != 0; i, v = i+1, v>>1 {
		if v&1 != 0 {
			sum ^= m[i]
		}
	}
	return sum
}

func (m matrix) square() matrix {
	s := make(matrix, len(m))
	for i := range m {
		s[i] = m.times(m[i])
	}
	return s
}

// concat is the CRC of two pieces together, as zlib's crc32_combine: the first piece's
// register is carried over as many zero bytes as the second piece has, by squaring.
func concat(poly uint64, bits int, first, second uint64, size int64) uint64 {
	m := make(matrix, bits) // one zero bit
	m[0] = poly
	for i := 1; i < bits; i++ {
		m[i] = 1 << (i - 1)
	}
	m = m.square().square().square() // one zero byte
	for ; size > 0; size >>= 1 {
		if size&1 != 0 {
			first = m.times(first)
		}
		m = m.square()
	}
	return first ^ second
}
