// Package bytesize reads sizes as people write them. It imports internal/fault alone.
package bytesize

import (
	"math/big"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

var shifts = map[string]uint{
	"": 0, "B": 0, "K": 10, "KB": 10, "KI": 10, "KIB": 10, "M": 20, "MB": 20, "MI": 20, "MIB": 20,
	"G": 30, "GB": 30, "GI": 30, "GIB": 30, "T": 40, "TB": 40, "TI": 40, "TIB": 40,
}

// Parse reads a size. K, KB, Ki, KiB and so on up to T are powers of 1024,
// plain numbers are bytes (SPEC B22). Letter case does not matter. The result is
// exact: 1.5K is 1536, and 0.3K, which is no whole number of bytes, is an error.
func Parse(text string) (int64, error) {
	const hint = "write it as 512MB, 1GB or a number of bytes"
	number := strings.TrimSpace(text)
	unit := strings.TrimLeft(number, "0123456789.")
	number = strings.TrimSuffix(number, unit)
	unit = strings.TrimSpace(unit)
	if strings.HasPrefix(unit, "-") && number == "" {
		return 0, fault.New(fault.Usage, hint, "%q is not a size: it is negative", text)
	}
	bytes, ok := new(big.Rat).SetString(number)
	if !ok || len(number) > 30 || strings.HasPrefix(number, ".") || strings.HasSuffix(number, ".") {
		return 0, fault.New(fault.Usage, hint, "%q is not a size", text)
	}
	shift, ok := shifts[strings.ToUpper(unit)]
	if !ok {
		return 0, fault.New(fault.Usage, "the units are B, K, M, G and T, also as KB or KiB, all powers of 1024", "%q is not a size: there is no unit %q", text, unit)
	}
	bytes.Mul(bytes, new(big.Rat).SetInt64(1<<shift))
	if !bytes.IsInt() {
		return 0, fault.New(fault.Usage, hint, "%q is not a size: it is no whole number of bytes", text)
	}
	if !bytes.Num().IsInt64() {
		return 0, fault.New(fault.Usage, hint, "%q is not a size: it is 8 EiB or more", text)
	}
	return bytes.Num().Int64(), nil
}
