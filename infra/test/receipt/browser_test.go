package receipt

import (
	"context"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is the path of a Chromium, or the test is skipped.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("there is no Chromium here (apt-get install chromium), so docs/verify.html is not tried")
	return ""
}

// traffic is what the page asked the network for, and what it complained of.
type traffic struct {
	mu     sync.Mutex
	asked  []string
	faults []string
}

func (w *traffic) event(e any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := e.(type) {
	case *network.EventRequestWillBeSent:
		w.asked = append(w.asked, e.Request.URL)
	case *runtime.EventExceptionThrown:
		w.faults = append(w.faults, e.ExceptionDetails.Text)
	}
}

// open loads the page from its file, as a reader would, with scripts that run before its
// own. What it asks of the network is looked at when the test ends.
func open(t *testing.T, before ...string) (context.Context, *traffic) {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(browser(t)), chromedp.NoSandbox, chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND"),
		chromedp.WSURLReadTimeout(5*time.Minute)) // other packages' tests may take the whole machine
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	seen := new(traffic)
	ctx, close := chromedp.NewContext(ctx, chromedp.WithListener(seen.event))
	t.Cleanup(close)
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	for _, script := range before {
		params := page.AddScriptToEvaluateOnNewDocumentParams{Source: script}
		if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, params); err != nil {
			t.Fatal(err)
		}
	}
	address := "file://" + file(t, "verify.html")
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		seen.mu.Lock()
		defer seen.mu.Unlock()
		for _, url := range seen.asked {
			if url != address && !strings.HasPrefix(url, "data:") {
				t.Errorf("the page asked for %s", url)
			}
		}
		for _, fault := range seen.faults {
			t.Errorf("the page failed: %s", fault)
		}
		if len(seen.asked) == 0 {
			t.Error("nothing was seen of the network, not even the page")
		}
	})
	return ctx, seen
}
