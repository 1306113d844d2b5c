package receipt

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// drop drops files on an element of the page, as from a desktop.
func drop(ctx context.Context, t *testing.T, element string, files ...string) {
	t.Helper()
	at := evaluate[[]float64](ctx, t, `(() => { scrollTo(0, 0); const box = document.getElementById('`+element+`').getBoundingClientRect(); return [box.x + 20, box.y + 10] })()`)
	for _, kind := range []input.DispatchDragEventType{"dragEnter", "dragOver", "drop"} {
		_, err := chromedp.Call(ctx, input.DispatchDragEvent, input.DispatchDragEventParams{
			Type: kind, X: at[0], Y: at[1], Data: &input.DragData{Items: []*input.DragDataItem{}, Files: files, DragOperationsMask: 1},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// result waits until the page shows words, and gives all that it shows then.
func result(ctx context.Context, t *testing.T, words string) string {
	t.Helper()
	return evaluate[string](ctx, t, `new Promise(done => {
		const box = document.getElementById('result')
		const look = () => { if (box.innerText.includes(`+strconv.Quote(words)+`)) { watch.disconnect(); done(box.className + '\n' + box.innerText) } }
		const watch = new MutationObserver(look)
		watch.observe(box, { childList: true, subtree: true, attributes: true })
		look()
	})`)
}

// A receipt is dropped, the key too: the page says what it proves and what not, and
// prints it on one page. Altered, it is refused. Nothing goes over the network (open).
func TestPage(t *testing.T) {
	ctx, _ := open(t)
	for _, s := range samples(t) {
		path, err := filepath.Abs(filepath.Join("testdata", s.name+".tlog-proof"))
		if err != nil {
			t.Fatal(err)
		}
		key, err := filepath.Abs("testdata/policy.txt")
		if err != nil {
			t.Fatal(err)
		}
		drop(ctx, t, "keybox", key)
		drop(ctx, t, "receiptbox", path)
		said := result(ctx, t, s.words)
		for _, words := range []string{"genuine\n", "This receipt is genuine", "What this proves", "What it does not prove", "a log shows what was said", "UTC", "here: ", s.name + ".tlog-proof, SHA-256"} {
			if !strings.Contains(strings.ToLower(said), strings.ToLower(words)) {
				t.Errorf("%s: %q is not said:\n%s", s.name, words, said)
			}
		}
		pdf, err := chromedp.Run(ctx, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4), chromedp.PDFPreferCSSPageSize()))
		if err != nil {
			t.Fatal(err)
		}
		if n := len(regexp.MustCompile(`/Type\s*/Page\b[^s]`).FindAll(pdf, -1)); n != 1 {
			t.Errorf("%s: %d pages in print", s.name, n)
		}
		if dir := os.Getenv("PAGE_OUT"); dir != "" {
			_ = os.WriteFile(filepath.Join(dir, s.name+".pdf"), pdf, 0o644)
		}
		altered := filepath.Join(t.TempDir(), "altered.tlog-proof")
		text := slices.Clone(s.text)
		text[60] ^= 1
		if err := os.WriteFile(altered, text, 0o644); err != nil {
			t.Fatal(err)
		}
		drop(ctx, t, "receiptbox", altered)
		if said := result(ctx, t, "This receipt is refused"); !strings.HasPrefix(said, "refused\n") || strings.Contains(said, "genuine") {
			t.Errorf("%s: %s", s.name, said)
		}
	}
}

// A wrong input gets a sentence, and a browser that cannot check says so.
func TestPageWrongInput(t *testing.T) {
	ctx, _ := open(t)
	folder := t.TempDir()
	large := filepath.Join(folder, "large")
	if err := os.WriteFile(large, bytes.Repeat([]byte("x"), 1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	good, _ := filepath.Abs("testdata/erased-customer.tlog-proof")
	key, _ := filepath.Abs("testdata/key.txt")
	press := func() {
		evaluate[bool](ctx, t, `Promise.resolve(document.querySelector('button[type=submit]').click() ?? true)`)
	}
	press()
	result(ctx, t, "Choose the receipt first.")
	drop(ctx, t, "receiptbox", large)
	result(ctx, t, "is larger than any receipt, key or policy.")
	drop(ctx, t, "receiptbox", good, key)
	result(ctx, t, "Give one file at a time.")
	drop(ctx, t, "receiptbox", good)
	evaluate[bool](ctx, t, `new Promise(done => {
		const look = () => { if (given.receipt?.fault === '') { watch.disconnect(); done(true) } }
		const watch = new MutationObserver(look)
		watch.observe(document.body, { childList: true, subtree: true })
		look()
	})`)
	press()
	result(ctx, t, "The verifier key of the log is missing.")
	drop(ctx, t, "keybox", good)
	result(ctx, t, "neither a verifier key nor a policy.")
	drop(ctx, t, "keybox", key)
	result(ctx, t, "This receipt is genuine")
	evaluate[bool](ctx, t, `(async () => { document.getElementById('identifier').value = '4712'; document.getElementById('identifier').dispatchEvent(new Event('input')); return true })()`)
	result(ctx, t, "It is about “4711”, not about “4712”.")

	ctx, _ = open(t, `crypto.subtle.importKey = async () => { throw new DOMException('no', 'NotSupportedError') }`)
	result(ctx, t, "This browser cannot check Ed25519 signatures")
}
