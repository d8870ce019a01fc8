package objects

import (
	"encoding/base64"
	"encoding/binary"
	"hash"
	"hash/crc32"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encodeSum is a CRC as S3 writes it.
func encodeSum(sum uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

// combine is the CRC-32C of two pieces one after the other, the second of which has n bytes:
// the first's is moved on by n zero bytes, as polynomials over GF(2).
func combine(first, second uint32, n int64) uint32 {
	return multiply(first, powerOfX(8*n)) ^ second
}

// castagnoliBits is the polynomial as crc32 has it, its lowest power in the highest bit.
const castagnoliBits = crc32.Castagnoli

// powerOfX is x to the n, modulo the polynomial.
func powerOfX(n int64) uint32 {
	result, square := uint32(1)<<31, uint32(1)<<30 // 1 and x
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			result = multiply(result, square)
		}
		square = multiply(square, square)
	}
	return result
}

func multiply(a, b uint32) (product uint32) {
	for bit := uint32(1) << 31; bit != 0; bit >>= 1 {
		if a&bit != 0 {
			product ^= b
		}
		if b&1 == 1 {
			b = b>>1 ^ castagnoliBits
		} else {
			b >>= 1
		}
	}
	return product
}

func newCRC32C() hash.Hash32 { return crc32.New(castagnoli) }

func crcOf(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }
