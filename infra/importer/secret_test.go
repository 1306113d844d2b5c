package importer

import (
	"strings"
	"testing"
)

// Weak secrets are refused by their length and because everybody would try them, and by
// nothing else: no rule of composition.
func TestWeakSecretsAreRefused(t *testing.T) {
	for _, c := range []struct{ owner, secret, want string }{
		{"csr", "csr-demo-password", ""},
		{"john1970", "1959caadac9b13dcb3", ""}, // a key of the vendor's form
		{"csr", "fourteen chars", "less than 15 characters"},
		{"csr", "fifteen letters", ""},
		{"csr", "ünïcödé ist lang", ""},
		{"csr", "éééé éééé éééé", "less than 15 characters"}, // bytes do not count
		{"csr", "sixty-four characters are taken whole, and none of them is left out, ever", ""},
		{"csr", strings.Repeat("🙂", 30) + "🙃🙂🙃🙃🙂" + strings.Repeat("🙃", 29), ""},
		{"csr", strings.Repeat("x", 300), "1 to 256 bytes"},
		{"csr", "aaaaaaaaaaaaaaaa", "again and again"},
		{"csr", "passwordPassword", "again and again"},
		{"csr", "1234567890123456", "a row of"},
		{"csr", "qwertyuiopasdfgh", "a row of"},
		{"csr", "zyxwvutsrqponmlk", "a row of"},
		{"csr", "Customercare-2026!", "little more than the name"},
		{"u", "customercare2026", "little more than the name"},
		{"margaret.thompson", "Margaret.Thompson1", "little more than the name"},
		{"csr", "password20261127", "little more than the name"},
		{"csr", "password of csr", ""},
		{"csr", "849302758192746", ""}, // digits alone may be chosen well
		{"csr", "with a\ttabulator in it", "control character"},
	} {
		err := CheckSecret("password", c.owner, c.secret)
		switch {
		case (err == nil) != (c.want == ""), err != nil && !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: %v, want %q", c.secret, err, c.want)
		case err != nil && strings.Contains(err.Error(), c.secret):
			t.Errorf("the secret is told: %v", err)
		}
	}
}
