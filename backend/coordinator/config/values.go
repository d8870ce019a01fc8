package config

import (
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/bytesize"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Size is a number of bytes, written as 10GB, 512MiB or 1048576 (SPEC B22).
type Size int64

// UnmarshalText reads what bytesize.Parse reads.
func (s *Size) UnmarshalText(text []byte) error {
	n, err := bytesize.Parse(string(text))
	*s = Size(n)
	return err
}

// Duration is a length of time, written as 90s, 15m, 24h, 30d, 2w or 1d12h. It is never negative.
type Duration time.Duration

// UnmarshalText reads Go's durations, with days (24 h) and weeks before them.
func (d *Duration) UnmarshalText(text []byte) error {
	bad := fault.New(fault.Usage, "write it as 90s, 15m, 24h, 30d or 2w", "%q is not a duration", text)
	if len(text) == 0 || text[0] == '-' || text[0] == '+' {
		return bad
	}
	rest, total := string(text), int64(0)
	for _, u := range []struct {
		unit   string
		length time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		digits, after, found := strings.Cut(rest, u.unit)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 63)
		if err != nil || int64(n) > (math.MaxInt64-total)/int64(u.length) {
			return bad
		}
		total, rest = total+int64(n)*int64(u.length), after
	}
	if rest != "" {
		n, err := time.ParseDuration(rest)
		if err != nil || n < 0 || strings.HasPrefix(rest, "+") || int64(n) > math.MaxInt64-total {
			return bad
		}
		total += int64(n)
	}
	*d = Duration(total)
	return nil
}

// String is as UnmarshalText reads it: 720h, 1h30m.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Level is debug, info, warn or error. The zero value is info.
type Level slog.Level

var levels = map[string]Level{
	"debug": Level(slog.LevelDebug), "info": Level(slog.LevelInfo), "warn": Level(slog.LevelWarn), "error": Level(slog.LevelError),
}

// UnmarshalText reads the four names.
func (l *Level) UnmarshalText(text []byte) error {
	level, ok := levels[string(text)]
	if !ok {
		return fault.New(fault.Usage, "the levels are debug, info, warn and error", "%q is not a level", text)
	}
	*l = level
	return nil
}

func (l Level) String() string { return strings.ToLower(slog.Level(l).String()) }

// Format is how a line of the log looks.
type Format string

// The formats.
const (
	Text Format = "text" // key=value
	JSON Format = "json" // one object a line
)

// UnmarshalText reads the two names.
func (f *Format) UnmarshalText(text []byte) error {
	if *f = Format(text); *f != Text && *f != JSON {
		return fault.New(fault.Usage, "the formats are text and json", "%q is not a format", text)
	}
	return nil
}
