package testbrowser

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Page is a tab, alone with its cookies and its storage. Its methods fail the
// test where something goes wrong, and wait for what they need.
type Page struct {
	t       testing.TB
	b       *Browser
	session string

	mu       sync.Mutex
	troubles []string
	urls     []string
}

// Page opens a URL in a new tab.
func (b *Browser) Page(t testing.TB, url string) *Page {
	t.Helper()
	p := &Page{t: t, b: b}
	var c struct{ BrowserContextID string }
	p.must(b.call("", "Target.createBrowserContext", nil, &c))
	var target struct{ TargetID string }
	p.must(b.call("", "Target.createTarget", map[string]any{"url": "about:blank", "browserContextId": c.BrowserContextID}, &target))
	var s struct{ SessionID string }
	p.must(b.call("", "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &s))
	p.session = s.SessionID
	b.mu.Lock()
	b.pages[p.session] = p
	b.mu.Unlock()
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		p.do(domain+".enable", nil)
	}
	t.Cleanup(func() {
		_ = b.call("", "Target.disposeBrowserContext", map[string]any{"browserContextId": c.BrowserContextID}, nil)
	})
	p.Go(url)
	return p
}

func (p *Page) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *Page) do(method string, params map[string]any) {
	p.t.Helper()
	p.must(p.b.call(p.session, method, params, nil))
}

// event keeps what a test wants to know.
func (p *Page) event(method string, params json.RawMessage) {
	var e struct {
		Type, Message    string
		Args             []struct{ Value, Description any }
		ExceptionDetails struct {
			Text      string
			Exception struct{ Description string }
		}
		Entry   struct{ Source, Level, Text, URL string }
		Request struct{ URL string }
	}
	_ = json.Unmarshal(params, &e)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch method {
	case "Runtime.consoleAPICalled":
		p.troubles = append(p.troubles, fmt.Sprint("console.", e.Type, " ", e.Args))
	case "Runtime.exceptionThrown":
		p.troubles = append(p.troubles, e.ExceptionDetails.Text+" "+e.ExceptionDetails.Exception.Description)
	case "Log.entryAdded":
		if e.Entry.Source != "network" { // a status that says no is none
			p.troubles = append(p.troubles, e.Entry.Source+": "+e.Entry.Text)
		}
	case "Network.requestWillBeSent":
		p.urls = append(p.urls, e.Request.URL)
	case "Page.javascriptDialogOpening":
		if e.Type != "beforeunload" {
			p.troubles = append(p.troubles, e.Type+": "+e.Message)
		}
		_, _ = p.b.send(p.session, "Page.handleJavaScriptDialog", map[string]any{"accept": true})
	}
}

// Troubles are what the page has said to the console, what it has thrown, what
// its policy has forbidden and what boxes it has opened, until now.
func (p *Page) Troubles() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.troubles)
}

// URLs are those that were asked for, until now.
func (p *Page) URLs() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.urls)
}

// Go leads the page somewhere else.
func (p *Page) Go(url string) {
	p.t.Helper()
	p.do("Page.navigate", map[string]any{"url": url})
	p.Wait(`document.readyState === "complete"`)
}

// Reload loads the page again.
func (p *Page) Reload() {
	p.t.Helper()
	p.Eval(`void (window.old = true)`, nil)
	p.do("Page.reload", nil)
	p.Wait(`!window.old && document.readyState === "complete"`)
}

// Size sets the size of the window, in CSS pixels, of a phone or of a desk.
func (p *Page) Size(width, height int, phone bool) {
	p.t.Helper()
	p.do("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone})
}

// Dark says which colours the user likes; nothing moves then.
func (p *Page) Dark(dark bool) {
	p.t.Helper()
	value := map[bool]string{true: "dark", false: "light"}[dark]
	p.do("Emulation.setEmulatedMedia", map[string]any{"features": []any{
		map[string]any{"name": "prefers-color-scheme", "value": value}, map[string]any{"name": "prefers-reduced-motion", "value": "reduce"},
	}})
}

// Shot writes a picture of the page, as a PNG.
func (p *Page) Shot(file string) {
	p.t.Helper()
	var shot struct{ Data string }
	p.must(p.b.call(p.session, "Page.captureScreenshot", nil, &shot))
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	p.must(err)
	p.must(os.WriteFile(file, png, 0o644))
}

// Eval runs JavaScript, waits for its promise, and puts the value into v.
func (p *Page) Eval(js string, v any) {
	p.t.Helper()
	p.must(p.eval(js, v))
}

func (p *Page) eval(js string, v any) error {
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	err := p.b.call(p.session, "Runtime.evaluate", map[string]any{
		"expression": js, "awaitPromise": true, "returnByValue": true, "userGesture": true,
	}, &r)
	if err == nil && r.ExceptionDetails != nil {
		err = fmt.Errorf("%s %s in %s", r.ExceptionDetails.Text, r.ExceptionDetails.Exception.Description, js)
	}
	if err != nil || v == nil {
		return err
	}
	return json.Unmarshal(r.Result.Value, v)
}

// left is how an evaluation ends when the page goes somewhere else meanwhile.
func left(err error) bool {
	s := err.Error()
	return strings.Contains(s, "navigat") || strings.Contains(s, "context was destroyed") || strings.Contains(s, "Cannot find context")
}
