// Package bytesize reads sizes as people write them. It imports internal/fault alone.
package bytesize

import (
	"strconv"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Parse reads a size. K, KB, Ki, KiB and so on up to T are powers of 1024,
// plain numbers are bytes (SPEC B22). Letter case does not matter.
func Parse(text string) (int64, error) {
	digits := strings.TrimSpace(text)
	unit := strings.TrimLeft(digits, "0123456789.")
	digits = strings.TrimSuffix(digits, unit)
	unit = strings.ToUpper(strings.TrimSpace(unit))
	shift, ok := map[string]uint{
		"": 0, "B": 0, "K": 10, "KB": 10, "KI": 10, "KIB": 10, "M": 20, "MB": 20, "MI": 20, "MIB": 20,
		"G": 30, "GB": 30, "GI": 30, "GIB": 30, "T": 40, "TB": 40, "TI": 40, "TIB": 40,
	}[unit]
	bad := fault.New(fault.Usage, "write it as 512MB, 1GB or a number of bytes", "%q is not a size", text)
	if !ok || digits == "" {
		return 0, bad
	}
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
		if n > (1<<63-1)>>shift {
			return 0, bad
		}
		return n << shift, nil
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil || f < 0 || f*float64(uint64(1)<<shift) >= 1<<63 {
		return 0, bad
	}
	return int64(f * float64(uint64(1)<<shift)), nil
}
