package backup

func init() { workFactor = 10 } // the tests are not about how slow a guess is
