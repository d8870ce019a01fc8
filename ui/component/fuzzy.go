package component

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fuzzy says how well text answers a search: every word of needle must be in it, letter by letter
// in order, upper and lower case alike. A higher score is better; an empty needle fits all with 0.
func Fuzzy(needle, text string) (score int, ok bool) {
	text = strings.ToLower(text)
	for _, word := range strings.Fields(strings.ToLower(needle)) {
		s, ok := fuzzyWord(word, text)
		if !ok {
			return 0, false
		}
		score += s
	}
	return score, true
}

// What a place of a letter is worth.
const (
	fuzzyWhole   = 100 // the word stands there in one piece
	fuzzyStart   = 30  // at the start of a word
	fuzzyRun     = 5   // right behind the letter before it
	fuzzyPerGap  = 1   // off for each letter skipped
	fuzzyLateGap = 20  // off at most for how late it begins
)

func fuzzyWord(word, text string) (score int, ok bool) {
	if at := strings.Index(text, word); at >= 0 {
		// A later place at the start of a word is the better one.
		if !wordStart(text, at) {
			if next := strings.Index(text, " "+word); next >= 0 {
				at = next + 1
			}
		}
		score = fuzzyWhole - min(at, fuzzyLateGap)
		if wordStart(text, at) {
			score += fuzzyStart
		}
		return score, true
	}
	at, last := 0, -1
	for _, r := range word {
		i := strings.IndexRune(text[at:], r)
		if i < 0 {
			return 0, false
		}
		switch {
		case last >= 0 && i == 0:
			score += fuzzyRun
		case wordStart(text, at+i):
			score += fuzzyRun
		default:
			score -= fuzzyPerGap * min(i, fuzzyLateGap)
		}
		last = at + i
		at = last + utf8.RuneLen(r)
	}
	return score, true
}

func wordStart(text string, at int) bool {
	if at == 0 {
		return true
	}
	r, _ := utf8.DecodeLastRuneInString(text[:at])
	return !unicode.IsLetter(r) && !unicode.IsDigit(r)
}
