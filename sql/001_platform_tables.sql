-- The platform's tables, for a database that does not have them yet (a sandbox, a test, a new
-- installation): the columns this tool uses. A table that exists is left exactly as it is.
-- The tables that are made here get row level security: on Supabase, `public` is open to anyone
-- who knows the project's URL. Their owner is not bound by it.

DO $$
BEGIN
    IF to_regtype('public.event_run_status') IS NULL THEN
        CREATE TYPE public.event_run_status AS ENUM
            ('scheduled', 'low_seats', 'sold_out', 'completed', 'cancelled');
    END IF;

    IF to_regclass('public.users') IS NULL THEN
        CREATE TABLE public.users (
            id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            wallet_address text UNIQUE,
            email          text,
            full_name      text,
            username       text,
            role           text NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'host', 'admin')),
            created_at     timestamptz NOT NULL DEFAULT now(),
            updated_at     timestamptz NOT NULL DEFAULT now()
        );
        ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;
    END IF;

    IF to_regclass('public.experiences') IS NULL THEN
        CREATE TABLE public.experiences (
            id                    uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            host_id               uuid NOT NULL REFERENCES public.users (id),
            title                 text NOT NULL,
            price_inr             numeric(10, 2) NOT NULL CHECK (price_inr > 0),
            status                text NOT NULL DEFAULT 'draft' CHECK
                (status IN ('draft', 'submitted', 'approved', 'rejected', 'archived')),
            traveler_max_capacity integer NOT NULL DEFAULT 4 CHECK (traveler_max_capacity >= 1)
        );
        ALTER TABLE public.experiences ENABLE ROW LEVEL SECURITY;
    END IF;

    IF to_regclass('public.event_runs') IS NULL THEN
        CREATE TABLE public.event_runs (
            id                        uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            experience_id             uuid NOT NULL REFERENCES public.experiences (id),
            start_datetime            timestamptz NOT NULL,
            end_datetime              timestamptz NOT NULL,
            max_capacity              integer NOT NULL CHECK (max_capacity >= 1),
            special_pricing_inr       numeric(10, 2) CHECK (special_pricing_inr >= 0),
            status                    public.event_run_status NOT NULL DEFAULT 'scheduled',
            host_meeting_instructions text,
            group_pairing_enabled     boolean NOT NULL DEFAULT false,
            created_at                timestamptz NOT NULL DEFAULT now(),
            updated_at                timestamptz NOT NULL DEFAULT now(),
            CHECK (end_datetime > start_datetime)
        );
        CREATE INDEX ON public.event_runs (experience_id);
        ALTER TABLE public.event_runs ENABLE ROW LEVEL SECURITY;
    END IF;

    IF to_regclass('public.event_run_bookings') IS NULL THEN
        CREATE TABLE public.event_run_bookings (
            id                        uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            event_run_id              uuid NOT NULL REFERENCES public.event_runs (id),
            traveler_id               uuid NOT NULL REFERENCES public.users (id),
            traveler_count            integer NOT NULL CHECK (traveler_count >= 1),
            booking_type              text NOT NULL DEFAULT 'solo_traveler',
            total_experience_cost_inr numeric(12, 2) CHECK (total_experience_cost_inr >= 0),
            mayhouse_platform_fee_inr numeric(12, 2) CHECK (mayhouse_platform_fee_inr >= 0),
            host_earnings_inr         numeric(12, 2) CHECK (host_earnings_inr >= 0),
            booking_status            text NOT NULL DEFAULT 'confirmed' CHECK
                (booking_status IN ('confirmed', 'cancelled', 'no_show', 'experience_completed')),
            traveler_details          jsonb,
            special_travel_requests   text,
            host_checkin_notes        text,
            booking_created_at        timestamptz NOT NULL DEFAULT now()
        );
        CREATE INDEX ON public.event_run_bookings (event_run_id);
        CREATE INDEX ON public.event_run_bookings (traveler_id);
        ALTER TABLE public.event_run_bookings ENABLE ROW LEVEL SECURITY;
    END IF;
END
$$;
