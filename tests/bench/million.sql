-- A database as after two years and so many payments. The ledger holds every capture; fees and transfers for the
-- last 90 days only, so that filling it stays bearable. See million.py.
CREATE FUNCTION pg_temp.most() RETURNS int LANGUAGE sql STABLE AS $$ SELECT current_setting('bench.rows')::int $$;
-- Rows come evenly in two years.
CREATE FUNCTION pg_temp.at(n int) RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT discuno_now() - interval '730 days' * (1 - n::float / current_setting('bench.rows')::int) $$;

-- Two thousand mentors, three session types each.
INSERT INTO discuno_user (email, name, role, created_at)
  SELECT 'mentor' || n || '@crowd.example', 'Mentor ' || n, 'mentor', discuno_now()
  FROM generate_series(1, 2000) n;
INSERT INTO discuno_mentor (user_id, username, headline, bio, topics, zone, calendar, booking_window_days, feed_version)
  SELECT n, 'crowd-' || n, '', '', '{}', 'UTC', 'builtin', 60, 1 FROM generate_series(1, 2000) n;
INSERT INTO discuno_event_type (mentor_id, title, description, duration_minutes, price, currency, enabled, position,
    buffer_minutes, notice_minutes)
  SELECT 1 + (n - 1) / 3, 'Session ' || n, '', 60, 6000, 'usd', true, n % 3, 0, 0
  FROM generate_series(1, 6000) n;
INSERT INTO discuno_mentor_stripe_account (mentor_id, stripe_account_id, api, status, transfers, payouts_enabled,
    is_ours, requirements, manual_payouts_configured_at, created_at)
  SELECT n, 'acct_' || n, 'v1', CASE WHEN n % 50 = 0 THEN 'restricted' ELSE 'active' END, 'active', true, true, '[]',
    discuno_now(), discuno_now()
  FROM generate_series(1, 2000) n;

-- A few mentors sell most; the newest payments are held, the latest of them not paid yet.
CREATE TEMP TABLE plan AS
  SELECT n, pg_temp.at(n) AS at, 1 + floor(2000 * power(random(), 2))::bigint AS mentor, n % 3 AS kind, random() AS luck,
    CASE WHEN n % 10 = 0 THEN 'eur' ELSE 'usd' END AS currency, 3000 + 100 * (n % 90) AS amount
  FROM generate_series(1, pg_temp.most()) n;
ALTER TABLE plan ADD status text, ADD ends timestamptz;
UPDATE plan SET ends = at + interval '7 days', status = CASE
  WHEN n > pg_temp.most() * 0.9999 THEN 'PENDING' WHEN luck < 0.06 THEN 'FAILED' WHEN n > pg_temp.most() * 0.985 THEN 'SUCCEEDED'
  WHEN luck < 0.09 THEN 'REFUNDED' WHEN luck < 0.094 THEN 'DISPUTED' ELSE 'TRANSFERRED' END;
INSERT INTO discuno_booking (public_id, visitor, mentor_id, event_type_id, status, during, keeps, held_until,
    created_at, confirmed_at, changed_at, sequence, title, duration_minutes, price, currency, requires_payment,
    attendee_name, attendee_email, attendee_zone, note, near_starts, manage_token_version, host_token_version, moves)
  SELECT 'b' || n, 'v', mentor, (mentor - 1) * 3 + 1 + kind, 'confirmed', tstzrange(at + '1 day', at + '25 h'),
    tstzrange(at + '1 day', at + '25 h'), at, at, at, at, 0, 'Session', 60, amount, currency, true,
    'Jun Mori ' || n % 50000, 'jun' || n % 50000 || '@crowd.example', 'UTC', '', '{}', 1, 1, 0
  FROM plan ORDER BY n;
INSERT INTO discuno_payment (booking_id, mentor_user_id, customer_email, customer_name, amount, currency,
    platform_fee, mentor_amount, status, stripe_payment_intent_id, stripe_charge_id, stripe_checkout_session_id,
    settlement_currency, checkout_epoch, paid_at, dispute_requested, dispute_period_ends, metadata, created_at)
  SELECT n, mentor, 'jun' || n % 50000 || '@crowd.example', 'Jun Mori ' || n % 50000, amount, currency, amount / 10,
    amount - amount / 10, status, 'pi_' || n, 'ch_' || n, 'cs_' || n, CASE WHEN n % 1000 = 0 THEN 'gbp' ELSE currency END,
    1, CASE WHEN status NOT IN ('FAILED', 'PENDING') THEN at END, n % 50000 = 0,
    CASE WHEN status = 'SUCCEEDED' THEN discuno_now() + interval '2 days' * (luck - 0.4)
      WHEN status NOT IN ('FAILED', 'PENDING') THEN ends END, '{}', at
  FROM plan ORDER BY n;
INSERT INTO discuno_transfer (payment_id, account_id, kind, status, amount, currency, retry_count, blocked_by,
    stripe_transfer_id, sent_at, created_at, epoch, unknown_count, next_try_at, error)
  SELECT n, mentor, 'release', CASE status WHEN 'TRANSFERRED' THEN 'sent' ELSE 'scheduled' END, amount - amount / 10,
    currency, CASE WHEN n % 97 = 0 THEN 3 WHEN n % 50 = 0 THEN 1 ELSE 0 END,
    CASE WHEN status = 'DISPUTED' THEN 'chargeback' WHEN status = 'SUCCEEDED' AND n % 97 = 0 THEN 'refused'
      WHEN status = 'SUCCEEDED' AND n % 41 = 0 THEN 'account' END,
    CASE status WHEN 'TRANSFERRED' THEN 'tr_' || n END, CASE status WHEN 'TRANSFERRED' THEN ends END, at, 1, 0,
    CASE WHEN status = 'SUCCEEDED' THEN discuno_now() + interval '2 days' * (luck - 0.4) ELSE ends END,
    CASE WHEN status = 'SUCCEEDED' AND n % 97 = 0 THEN 'account_closed: No such account.' END
  FROM plan WHERE status IN ('TRANSFERRED', 'SUCCEEDED', 'DISPUTED') ORDER BY n;
INSERT INTO discuno_refund (payment_id, amount, currency, reason, status, nonce, stripe_refund_id, created_at, epoch,
    unknown_count, next_try_at)
  SELECT n, amount, currency, 'cancelled', 'succeeded', 'x', 're_' || n, at + '1 h', 1, 0, at
  FROM plan WHERE status = 'REFUNDED' ORDER BY n;
INSERT INTO discuno_dispute (payment_id, kind, status, stripe_id, is_inquiry, reason, amount, currency, due_at,
    opened_at, closed_at, decision, decision_reason)
  SELECT n, CASE WHEN n % 3 = 0 THEN 'chargeback' ELSE 'report' END, CASE WHEN luck < 0.105 THEN 'open' ELSE 'closed' END,
    CASE WHEN n % 3 = 0 THEN 'dp_' || n END, false, CASE WHEN n % 3 = 0 THEN 'fraudulent' ELSE 'other' END, amount,
    currency, discuno_now() + interval '9 days' * (n % 20 / 10.0 - 0.4), at + '3 days',
    CASE WHEN luck >= 0.105 THEN at + '3 days' + interval '9 days' * random() END,
    CASE WHEN luck >= 0.105 AND n % 3 > 0 THEN 'refunded' END, CASE WHEN luck >= 0.105 AND n % 3 > 0 THEN 'x' END
  FROM plan WHERE luck BETWEEN 0.095 AND 0.115 AND ends < discuno_now() ORDER BY n;

-- The books.
INSERT INTO discuno_ledger_entry (kind, source, account, amount, currency, payment_id, mentor_id, posted_at)
  SELECT 'capture', 'ch_' || n, leg, CASE leg WHEN 'stripe' THEN amount WHEN 'held' THEN amount / 10 - amount
    ELSE -(amount / 10) END, currency, n, mentor, at
  FROM plan, unnest(ARRAY['stripe', 'held', 'fees']) leg WHERE status NOT IN ('FAILED', 'PENDING') ORDER BY n;
INSERT INTO discuno_ledger_entry (kind, source, account, amount, currency, payment_id, mentor_id, posted_at)
  SELECT 'stripe_fee', 'txn_' || n, leg, CASE leg WHEN 'stripe' THEN -204 ELSE 204 END, currency, n, mentor, at
  FROM plan, unnest(ARRAY['stripe', 'stripe_fees']) leg
  WHERE status NOT IN ('FAILED', 'PENDING') AND at > discuno_now() - interval '90 days' ORDER BY n;
INSERT INTO discuno_ledger_entry (kind, source, account, amount, currency, payment_id, mentor_id, posted_at)
  SELECT 'transfer', 'tr_' || n, leg, CASE leg WHEN 'connected' THEN 1 WHEN 'held' THEN 1 ELSE -1 END
    * (amount - amount / 10), currency, n, mentor, ends
  FROM plan, unnest(ARRAY['stripe', 'connected', 'mentors', 'held']) leg
  WHERE status = 'TRANSFERRED' AND at > discuno_now() - interval '90 days' ORDER BY n;

-- Letters, events, who did what, and how far visitors came.
INSERT INTO discuno_email (event, recipient, template, about, status, subject, resend_id, created_at, sent_at,
    settled_at)
  SELECT 'booking:' || n || ':confirmed', 'jun' || n % 50000 || '@crowd.example', (ARRAY['booking_confirmed', 'booking_confirmed_mentor', 'receipt', 'report_decided'])[1 + n % 4],
    jsonb_build_object('booking_id', n), CASE WHEN n > pg_temp.most() - 50 THEN 'queued' WHEN n % 211 = 0 THEN 'bounced'
      WHEN n % 1009 = 0 THEN 'complained' WHEN n % 2003 = 0 THEN 'failed' ELSE 'delivered' END,
    'Your session', 'em_' || n, pg_temp.at(n), pg_temp.at(n), pg_temp.at(n)
  FROM generate_series(1, pg_temp.most()) n;
INSERT INTO discuno_webhook_event (provider, external_id, type, livemode, payload, received_at, handled_at, outcome,
    attempts, error)
  SELECT 'stripe', 'evt_' || n, (ARRAY['charge.updated', 'checkout.session.completed', 'transfer.created'])[1 + n % 3],
    false, '{"id": "evt", "object": "event"}', pg_temp.at(n), CASE WHEN n % 5003 <> 0 THEN pg_temp.at(n) END, 'done', 1,
    CASE WHEN n % 5003 = 0 THEN 'Unknown object' END
  FROM generate_series(1, pg_temp.most() / 2) n;
INSERT INTO discuno_audit_entry (at, actor, action, about, reason)
  SELECT pg_temp.at(n), 'admin' || n % 20 || '@discuno.example', (ARRAY['refund', 'report refunded', 'resend'])[1 + n % 3],
    'payment:' || n, 'Because of ' || n
  FROM generate_series(1, pg_temp.most() / 5) n;
INSERT INTO discuno_funnel_event (visit, mentor_id, event_type_id, step, at)
  SELECT 'v' || n / 3, 1 + n / 3 % 2000, NULL, (ARRAY['visit', 'time', 'details'])[1 + n % 3], pg_temp.at(n)
  FROM generate_series(1, pg_temp.most()) n;
