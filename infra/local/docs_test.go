package local

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"customercare/infra/project"
	"customercare/infra/testkit/spec"
)

// served is the page in front of an API that answers every call with what it was.
func served(t *testing.T) (page *docs, calls func() []string) {
	t.Helper()
	root, err := project.Root()
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var made []string
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		made = append(made, strings.TrimSpace(r.Method+" "+r.RequestURI+" "+r.Header.Get("Authorization")+" "+string(body)))
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"retCode":"0","retMsg":"a certain answer"}`)
	}))
	t.Cleanup(api.Close)
	page, err = serveDocs(t.Context(), root, filepath.Join(root, ".cache"), api.URL, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = page.Close() })
	return page, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return made
	}
}

// TestDocsInABrowser opens the page as a person does: it shows every call, asks nobody
// but its own folder, and a call that is tried goes to the API and shows its answer.
func TestDocsInABrowser(t *testing.T) {
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		t.Skip("there is no Chromium here (apt-get install chromium), so the page is not tried")
	}
	page, calls := served(t)
	ctx, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(browser), chromedp.NoSandbox, chromedp.WindowSize(1280, 1600),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"), // there is no network
		chromedp.WSURLReadTimeout(5*time.Minute))...)                                // other tests may take the whole machine
	t.Cleanup(stop)
	var mu sync.Mutex
	var asked, faults []string
	ctx, end := chromedp.NewContext(ctx, chromedp.WithListener(func(e any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := e.(type) {
		case *network.EventRequestWillBeSent:
			asked = append(asked, e.Request.URL)
		case *runtime.EventExceptionThrown:
			faults = append(faults, e.ExceptionDetails.Text)
		}
	}))
	t.Cleanup(end)
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	const token = "#operations-numbers-tokenByAkSk"
	if err := chromedp.Do(ctx, chromedp.Navigate(page.URL), chromedp.WaitVisible(token+" .opblock-summary")); err != nil {
		t.Fatal(err)
	}
	shown, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.querySelectorAll('.opblock').length`))
	if err != nil {
		t.Fatal(err)
	}
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	answer := token + " .live-responses-table .microlight"
	err = chromedp.Do(ctx, chromedp.Click(token+" .opblock-summary"), chromedp.Click(token+" .try-out__btn"),
		chromedp.Click(token+" .execute"), chromedp.WaitVisible(answer))
	if err != nil {
		t.Fatal(err)
	}
	said, err := chromedp.Run(ctx, chromedp.Text(answer))
	if err != nil {
		t.Fatal(err)
	}
	root, _ := project.Root()
	write(t, filepath.Join(root, ".cache", "docs-page.png"), picture)
	document, err := spec.Read(filepath.Join(root, "docs", "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if want := len(document.Routes()); shown != want {
		t.Errorf("%d calls are shown, want %d", shown, want)
	}
	if made := calls(); len(made) != 1 || !strings.HasPrefix(made[0], "POST /apigovernance/api/oauth/tokenByAkSk") ||
		!strings.Contains(made[0], `"app_key": "demo-app-key"`) || !strings.Contains(said, "a certain answer") {
		t.Errorf("the API got %q, the page shows %q", made, said)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, url := range asked {
		if !strings.HasPrefix(url, strings.TrimSuffix(page.URL, "docs/")) && !strings.HasPrefix(url, "data:") {
			t.Errorf("the page asked for %s", url)
		}
	}
	for _, fault := range faults {
		t.Errorf("the page failed: %s", fault)
	}
}

// What is asked beside the page goes to the API as it is, and comes back as it is.
func TestDocsPassCallsOn(t *testing.T) {
	page, calls := served(t)
	request, err := http.NewRequestWithContext(context.Background(), "PUT",
		strings.TrimSuffix(page.URL, "/docs/")+"/customercare/v1/a%2Fb/provision?x=%31", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth("csr", "password")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if made := calls(); len(made) != 1 || made[0] != "PUT /customercare/v1/a%2Fb/provision?x=%31 "+request.Header.Get("Authorization")+" {}" {
		t.Errorf("the API got %q", made)
	}
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o644); err != nil {
		t.Fatal(err)
	}
}
