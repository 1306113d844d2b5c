package passon

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// others are types in the vendor's manner: as many as it has beside customer_delete.
var others = strings.Fields(`
	account_info account_stats campaign_add campaign_copy campaign_delete campaign_info campaign_types campaigns_list
	customer_add customer_balance customer_campaigns customer_cards customer_edit customer_export customer_fields
	customer_info customer_merge customer_move customer_search customer_transactions customers_list customer_undelete
	buy_x_list card_check card_types code_generate discount_list events_list gift_activate gift_balance item_add items_list
	location_add locations_list message_send promo_add promos_list record_activity redeem reward_add rewards_list
	transaction_void user_login`)

const urlencoded = "Content-Type: application/x-www-form-urlencoded"

// Each of the other types passes by POST, urlencoded and multipart, and by GET, to both
// paths: the stand-in gets every byte, and the client every byte of its answer.
func TestOtherTypesPassUnchanged(t *testing.T) {
	if len(others) != 43 {
		t.Fatalf("%d types", len(others))
	}
	for i, kind := range others {
		path := []string{"/", "/api.php"}[i%2]
		mark := "https://shop.example/" + kind
		sent := []string{
			"Accept: text/html;q=0.5, */*", "Accept-Language: de", "api_access_key: " + apiKey, "Authorization: Basic " + private, "Referer: " + mark,
			"Origin: https://shop.example", "User-Agent: PHP/5.2 (" + kind + ")", "Cookie: a=b", "X-Forwarded-For: 192.0.2.9", "X-Odd: 1",
			"Forwarded: for=1", "X-Original-URL: /other", "Connection: X-Odd", "TE: trailers",
		}
		form := "API=1.6&code=%E9" + private + "%00%2525&callback=<b>&output=CSV&user_id=a&user_id=b&type=" + kind + "&text=a+b%0D%0A"
		parts := "--=_b\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n\xff\x00\r\n" +
			"--=_b\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\n" + kind + "\r\n--=_b--\r\n"
		type call struct{ method, query, contentType, body string }
		for n, c := range []call{
			{"POST", "?x=%26y+z", urlencoded + "; charset=UTF-8", form},
			{"POST", "", `Content-Type: multipart/form-data; boundary="=_b"`, parts},
			{"GET", "?" + url.Values{"type": {kind}, "code": {"ü & " + private}, "output": {"JSON"}, "tag": {"b", "a"}}.Encode(), "", ""},
			{"POST", "?type=" + kind, "", ""},
		} {
			headers := slices.Clone(sent)
			if c.contentType != "" {
				headers = append(headers, c.contentType)
			}
			headers[4] += fmt.Sprint("?", n)
			r := send(t, running.URL, c.method, path+c.query, c.body, headers...)
			if r.status != http.StatusAccepted || r.body != string(echo(c.method, c.body)) || r.header.Get("Content-Type") != "application/x-echo; v=1" ||
				r.header.Get("Set-Cookie") != "" || r.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s %s: %d %q %v", c.method, kind, r.status, r.body, r.header)
			}
			took := vendor.took(fmt.Sprint(mark, "?", n))
			if len(took) != 1 {
				t.Fatalf("%s %s reached the vendor %d times", c.method, kind, len(took))
			}
			g := took[0]
			if g.method != c.method || g.target != "/base"+path+c.query || g.body != c.body {
				t.Errorf("%s %s came as %s %s %q", c.method, path+c.query, g.method, g.target, g.body)
			}
			want := map[string]string{
				"Accept": "text/html;q=0.5, */*", "Accept-Language": "de", "Api_access_key": apiKey, "Authorization": "Basic " + private, "Referer": fmt.Sprint(mark, "?", n),
				"Origin": "https://shop.example", "User-Agent": "PHP/5.2 (" + kind + ")", "Accept-Encoding": "identity", "Via": "1.1 customercare-pass-on",
			}
			if c.contentType != "" {
				want["Content-Type"] = strings.TrimPrefix(c.contentType, "Content-Type: ")
			}
			if c.method == "POST" {
				want["Content-Length"] = fmt.Sprint(len(c.body))
			}
			have := map[string]string{}
			for name, values := range g.header {
				have[name] = strings.Join(values, ", ")
			}
			if !maps.Equal(have, want) || strings.HasPrefix(running.URL, "http://"+g.host) {
				t.Errorf("%s %s came with\n%v, host %s, want\n%v", c.method, kind, have, g.host, want)
			}
		}
	}
}

// A hundred at once get their own answers, while customers are deleted beside them.
func TestAHundredAtOnce(t *testing.T) {
	var calls sync.WaitGroup
	begin := make(chan struct{})
	for i := range 100 {
		calls.Go(func() {
			<-begin
			body := fmt.Sprint("type=redeem&n=", i)
			r := send(t, running.URL, "POST", "/api.php", body, urlencoded, fmt.Sprint("Referer: hundred ", i))
			if r.status != http.StatusAccepted || r.body != string(echo("POST", body)) {
				t.Errorf("%d: %d %q", i, r.status, r.body)
			}
			if n := len(vendor.took(fmt.Sprint("hundred ", i))); n != 1 {
				t.Errorf("%d reached the vendor %d times", i, n)
			}
		})
		if i < 20 {
			calls.Go(func() {
				<-begin
				erased(t, 100+i, "POST", "/", ours(100+i), urlencoded)
			})
		}
	}
	close(begin)
	calls.Wait()
}

// ours is the form that deletes a customer.
func ours(i int) string {
	return "user_id=john&user_password=" + apiKey + "&type=customer_delete&account_id=account&code=" + code(i)
}

// erased checks that a request deletes a customer and that none of it reaches the vendor.
func erased(t testing.TB, i int, method, target, body string, headers ...string) {
	t.Helper()
	mark := fmt.Sprint("erased ", i)
	r := send(t, running.URL, method, target, body, append(headers, "Referer: "+mark)...)
	if r.status != 200 || !strings.Contains(r.body, `<customer status="deleted"><code>`+code(i)+`</code>`) {
		t.Errorf("%s %s %q: %d %s", method, target, body, r.status, r.body)
	}
	if took := vendor.took(mark); len(took) > 0 {
		t.Errorf("%s %s %q has reached the vendor", method, target, body)
	}
}
