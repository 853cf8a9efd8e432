#!/usr/bin/env bash
# One event from creation to settlement, with the installed tool, jq and exit codes alone.
#
#   MAYHOUSE_CONFIG=config.toml docs/smoke.sh
#
# MAYHOUSE_CONFIG (or the environment) names a sandbox or a test chain. In a sandbox, whose folder
# MAYHOUSE_SANDBOX names, time is moved forward; elsewhere the script waits for the event.
# SMOKE_EXPERIENCE and SMOKE_TRAVELER name rows of the database; the sandbox's are the default.
# It ends with the code of the step that failed, which it names. An event that it leaves open is
# ended with `mayhouse event cancel`.
set -euo pipefail

experience=${SMOKE_EXPERIENCE:-e0000000-0000-4000-8000-000000000001}
traveler=${SMOKE_TRAVELER:-b0000000-0000-4000-8000-000000000001}
price=${SMOKE_PRICE_INR:-100}
starts_in=${SMOKE_STARTS_IN:-180} # seconds, for a creation and a booking to be confirmed
timeout=${SMOKE_TIMEOUT:-600}     # seconds for each step
run_id="smoke-$(date +%s)-$$"

step="start"
document="" # of the last step

fail() { # CODE MESSAGE
    echo "smoke: FAILED at $step (exit $1): $2" >&2
    exit "$1"
}

mayhouse_json() { # STEP WORDS...: run the tool; its document is in $document, its code in $code
    step=$1
    shift
    code=0
    document=$(mayhouse "$@" --json --no-input --timeout "$timeout") || code=$?
}

told() { # what the last document says went wrong
    jq -r '.error | select(. != null) | .message + (if .hint then " - " + .hint else "" end)' \
        <<<"$document" 2>/dev/null || true
}

run() { # STEP WORDS...: must end with 0
    mayhouse_json "$@"
    [ "$code" -eq 0 ] || fail "$code" "$(told)"
    echo "smoke: ok $step"
}

sign() { # STEP WORDS...: what is out and unconfirmed is resumed, and asked for again by its key
    mayhouse_json "$@"
    if [ "$code" -eq 7 ] || [ "$code" -eq 8 ]; then
        mayhouse tx resume --json --no-input --timeout "$timeout" >/dev/null ||
            fail "$?" "sent and not confirmed; mayhouse tx resume"
        mayhouse_json "$@"
    fi
    [ "$code" -eq 0 ] || fail "$code" "$(told)"
    expect '.data.status == "confirmed"'
    echo "smoke: ok $step $(value .data.tx_hash)"
}

value() { # FILTER: a value of the last document
    jq -er "$1" <<<"$document" || fail 1 "its document has no $1"
}

expect() { # FILTER [JQ_OPTIONS...]: must be true of the last document
    local filter=$1
    shift
    jq -e "$@" "$filter" <<<"$document" >/dev/null || fail 1 "not true of its document: $filter"
}

for program in mayhouse jq; do
    command -v "$program" >/dev/null || fail 127 "$program is not installed"
done

run doctor doctor
run rate rate show
expect '.data.usable'

if [ -n "${MAYHOUSE_SANDBOX:-}" ]; then
    run sandbox sandbox status
    now=$(value '.data.chain_time | fromdate')
else
    now=$(date +%s)
fi
starts_at=$(jq -nr "$((now + starts_in)) | todate")

sign create event create --experience "$experience" --price-inr "$price" --seats 2 \
    --starts-at "$starts_at" --yes --idempotency-key "$run_id-create"
event=$(value .data.chain_event_id)
price_wei=$(value .data.price_per_seat_wei)

run quote booking quote "$event" --seats 1
expect '.data.payment_wei == $price' --arg price "$price_wei"
total=$(value .data.total_wei)

sign book booking create "$event" --seats 1 --traveler "$traveler" --yes \
    --idempotency-key "$run_id-book"
expect '.data.total_wei == $total' --arg total "$total"
booking=$(value .data.booking_id)

if [ -n "${MAYHOUSE_SANDBOX:-}" ]; then
    run warp sandbox warp "$((starts_in + 1))s"
else
    step=wait
    # A block is as old as its parent at least: one minute more, and the chain has reached it.
    left=$((now + starts_in + 60 - $(date +%s)))
    [ "$left" -le 0 ] || sleep "$left"
fi

sign complete event complete "$event" --attended "$booking" --yes
expect '(.data.attended | map(.booking_id)) == [$booking] and .data.no_show == []' \
    --arg booking "$booking"

run settle event settle "$event"
expect '[.data.statements[0].lines[].line] | contains(["ticket_revenue", "host_payout"])'

run audit audit
expect '.data.escrow.surplus_wei | startswith("-") | not'

step="balance check"
code=0
mayhouse balance check || code=$?
[ "$code" -le 1 ] || fail "$code" "the wallet is critically low, or could not be read"

echo "smoke: PASSED, event $event"
