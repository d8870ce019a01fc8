package bytesize_test

import (
	"testing"

	"github.com/artifacts-tui/artifacts-tui/internal/bytesize"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// SPEC B22: every suffix is a power of 1024.
func TestParse(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "1k": 1 << 10, "1KB": 1 << 10, "1Ki": 1 << 10, "1 KiB": 1 << 10, "512MB": 512 << 20, "10GB": 10 << 30,
		"1.5G": 3 << 29, "2T": 2 << 40, "1048576": 1 << 20, "7b": 7,
	} {
		if got, err := bytesize.Parse(text); err != nil || got != want {
			t.Errorf("Parse(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "GB", "-1", "1X", "1.2.3G", "9999999999T", "1e3G", "9.3e6T"} {
		if got, err := bytesize.Parse(text); !fault.Is(err, fault.Usage) {
			t.Errorf("Parse(%q) = %d, %v; want an error", text, got, err)
		}
	}
}
