package apigateway

import "golang.org/x/time/rate"

// Throttle is how many requests one method of one resource takes: a token bucket.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
type Throttle struct {
	Rate  float64 // requests a second
	Burst int     // requests at once, before Rate counts
}

// AccountThrottle is what an account starts with, and what a method without a limit of
// its own is left to.
var AccountThrottle = Throttle{Rate: 10_000, Burst: 5_000}

func (t Throttle) bucket() *rate.Limiter { return rate.NewLimiter(rate.Limit(t.Rate), t.Burst) }
