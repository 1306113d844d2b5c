package receipt

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// contrasts are the texts on the page whose contrast is below that of WCAG 2.2 AA
// (1.4.3: 4.5, or 3 where they are large), each with its ratio; and how many were looked
// at. A background that lets others through is laid over them.
const contrasts = `(async () => {
	const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })
	const over = colors => { canvas.clearRect(0, 0, 1, 1); for (const color of colors) { canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1) }; return canvas.getImageData(0, 0, 1, 1).data }
	const light = colors => { const [r, g, b] = [...over(colors)].map(c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b }
	const bad = []
	let seen = 0
	for (const element of document.body.querySelectorAll('*')) {
		const words = [...element.childNodes].filter(node => node.nodeType === 3).map(node => node.data.trim()).join('')
		if (!words || !element.checkVisibility() || ['SCRIPT', 'STYLE', 'NOSCRIPT'].includes(element.tagName)) continue
		seen++
		const behind = ['Canvas']
		for (let at = element; at; at = at.parentElement) behind.splice(1, 0, getComputedStyle(at).backgroundColor)
		const style = getComputedStyle(element), size = parseFloat(style.fontSize)
		const [a, b] = [light([...behind, style.color]), light(behind)].sort((x, y) => y - x)
		const least = size >= 24 || size >= 18.66 && style.fontWeight >= 700 ? 3 : 4.5
		if ((a + 0.05) / (b + 0.05) < least) bad.push(element.tagName + ' ' + words + ' ' + ((a + 0.05) / (b + 0.05)).toFixed(2))
	}
	return [String(seen), ...bad]
})()`

// Every text of the page can be read by whoever sees little, light and dark, before a
// receipt is given, with a genuine one and with a refused one.
func TestTextStandsOut(t *testing.T) {
	receipt, _ := filepath.Abs("testdata/erased-customer.tlog-proof")
	key, _ := filepath.Abs("testdata/key.txt")
	altered := written(t, "altered.tlog-proof", "c2sp.org/tlog-proof@v2\n")
	for _, scheme := range []string{"light", "dark"} {
		ctx, _ := open(t, `addEventListener('DOMContentLoaded', () => { document.documentElement.style.colorScheme = '`+scheme+`' })`)
		look := func(state string, least int) {
			t.Helper()
			found := evaluate[[]string](ctx, t, contrasts)
			if n, _ := strconv.Atoi(found[0]); n < least {
				t.Errorf("%s, %s: %d texts are looked at", scheme, state, n)
			}
			if len(found) > 1 {
				t.Errorf("%s, %s: too little contrast:\n%s", scheme, state, strings.Join(found[1:], "\n"))
			}
		}
		if back := evaluate[string](ctx, t, `(async () => getComputedStyle(document.body).backgroundColor)()`); (back == "rgb(255, 255, 255)") != (scheme == "light") {
			t.Errorf("%s: on %s", scheme, back)
		}
		look("empty", 10)
		drop(ctx, t, "keybox", key) // the key may come first
		drop(ctx, t, "receiptbox", receipt)
		result(ctx, t, "This receipt is genuine")
		look("genuine", 40)
		drop(ctx, t, "receiptbox", altered)
		result(ctx, t, "This receipt is refused")
		look("refused", 12)
	}
}

// Whoever uses the keyboard alone reaches every control in the order in which they
// stand, each with a name and a visible focus, and checks with the key Enter. What a
// program reads aloud has a language, one heading of the first order, and is told the
// result.
func TestPageWithoutAMouse(t *testing.T) {
	ctx, _ := open(t)
	for _, want := range []string{"receipt", "key", "keyfile", "identifier", ""} {
		press(ctx, t, "\t")
		at := evaluate[[]string](ctx, t, `(async () => { const at = document.activeElement, style = getComputedStyle(at); return [at.id, at.type, [...at.labels ?? []].map(l => l.innerText).join() || at.innerText, style.outlineStyle + style.outlineWidth] })()`)
		if at[0] != want || want == "" && at[1] != "submit" || at[2] == "" || at[3] != "solid3px" {
			t.Errorf("the focus is on %q, want %q", at, want)
		}
	}
	press(ctx, t, "\r")
	result(ctx, t, "Choose the receipt first.")
	said := evaluate[[]string](ctx, t, `(async () => [document.documentElement.lang, String(document.querySelectorAll('h1').length), page('result').getAttribute('role'), page('result').getAttribute('aria-label'), document.title])()`)
	if said[0] != "en" || said[1] != "1" || said[2] != "status" || said[3] == "" || said[4] == "" {
		t.Errorf("%q", said)
	}
	missing := evaluate[[]string](ctx, t, `(async () => [...document.querySelectorAll('[aria-describedby]')].map(e => e.getAttribute('aria-describedby')).filter(id => !document.getElementById(id)?.innerText))()`)
	if len(missing) > 0 {
		t.Errorf("described by nothing: %q", missing)
	}
}

// Whatever is given in place of a receipt or a key, the page says a sentence that says
// what it was.
func TestPageSaysWhatWasGiven(t *testing.T) {
	ctx, _ := open(t)
	key, _ := filepath.Abs("testdata/key.txt")
	good, _ := filepath.Abs("testdata/erased-customer.tlog-proof")
	other, _ := filepath.Abs("testdata/not-found.tlog-proof")
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	mailed := strings.ReplaceAll(string(text), "\n", "\r\n")
	drop(ctx, t, "keybox", key)
	for name, c := range map[string]struct {
		files []string
		says  string
	}{
		"empty":  {[]string{written(t, "empty", "")}, "The file “empty” is empty."},
		"binary": {[]string{written(t, "binary", "\xff\xd8\xff\xe0\x00\x10JFIF")}, "It is not a text."},
		"text":   {[]string{written(t, "text", "hello\n")}, "It does not have the form of a receipt."},
		"key":    {[]string{key}, "This is a verifier key, not a receipt: drop it on the box for the key."},
		"mailed": {[]string{written(t, "mailed", mailed)}, "It does not have the form of a receipt any more: take the file as it was sent, because a mail program or an editor may have changed line ends or blanks."},
		"two":    {[]string{good, other}, "Give one file at a time."},
		"long":   {[]string{written(t, "long", strings.Repeat("x", 65537))}, "The file “long” is larger than any receipt, key or policy."},
	} {
		drop(ctx, t, "receiptbox", c.files...)
		if said := result(ctx, t, c.says); strings.Contains(said, "genuine\n") {
			t.Errorf("%s: %s", name, said)
		}
	}
	drop(ctx, t, "receiptbox", good)
	result(ctx, t, "This receipt is genuine")
	for name, c := range map[string]struct{ file, says string }{
		"empty":  {written(t, "empty", ""), "The file “empty” is empty."},
		"binary": {written(t, "binary", "\xff\xd8\xff\xe0\x00\x10JFIF"), "The file “binary” is not a text."},
		"long":   {written(t, "long", strings.Repeat("x", 65537)), "The file “long” is larger than any receipt, key or policy."},
	} {
		drop(ctx, t, "keybox", c.file)
		if said := result(ctx, t, c.says); !strings.Contains(said, "Nothing was checked") {
			t.Errorf("%s as the key: %s", name, said)
		}
	}
}

// press presses a key.
func press(ctx context.Context, t *testing.T, key string) {
	t.Helper()
	if _, err := chromedp.Run(ctx, chromedp.KeyEvent(key)); err != nil {
		t.Fatal(err)
	}
}

// written is the path of a file with this name and text.
func written(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
