package checksum_test

import (
	"math/rand/v2"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/checksum"
)

func sum(t *testing.T, algorithm string, data []byte) string {
	t.Helper()
	h, err := checksum.New(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	h.Write(data)
	return checksum.Encode(h)
}

// The check values of the CRC catalogue (https://reveng.sourceforge.io/crc-catalogue/all.htm)
// for "123456789", and of FIPS 180 for "abc".
func TestKnownValues(t *testing.T) {
	for _, c := range []struct{ algorithm, data, want string }{
		{checksum.CRC32, "123456789", "y/Q5Jg=="},         // cbf43926
		{checksum.CRC32C, "123456789", "4waSgw=="},        // e3069283
		{checksum.CRC64NVME, "123456789", "rosUhgp5mIg="}, // ae8b14860a799888
		{checksum.SHA1, "abc", "qZk+NkcGgWq6PiVxeFDCbJzQ2J0="},
		{checksum.SHA256, "abc", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="},
	} {
		if got := sum(t, c.algorithm, []byte(c.data)); got != c.want {
			t.Errorf("%s = %s, want %s", c.algorithm, got, c.want)
		}
	}
}

// The checksum of a whole is the combination of its pieces', wherever it is cut. SPEC B12
func TestCombine(t *testing.T) {
	data := make([]byte, 300_000)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	for _, algorithm := range []string{checksum.CRC32, checksum.CRC32C, checksum.CRC64NVME} {
		for _, cuts := range [][]int{{300_000}, {1, 299_999}, {65_536, 65_536, 168_928}, {0, 300_000}, {299_999, 1, 0}} {
			var parts []checksum.Part
			at := 0
			for _, n := range cuts {
				parts = append(parts, checksum.Part{Value: sum(t, algorithm, data[at:at+n]), Size: int64(n)})
				at += n
			}
			got, err := checksum.Combine(algorithm, checksum.FullObject, parts)
			if want := sum(t, algorithm, data); err != nil || got != want {
				t.Errorf("%s of %v = %s, %v; want %s", algorithm, cuts, got, err, want)
			}
		}
	}
	if _, err := checksum.Combine(checksum.SHA256, checksum.FullObject, nil); err == nil {
		t.Error("SHA256 cannot be combined")
	}
}
