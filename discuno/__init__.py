"""Discuno payments: the booking and payment system of a mentor marketplace."""

from typing import Any

from flask import Flask
from flask_migrate import Migrate
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise

from discuno import cli, config, policy
from discuno.accounts import access, codes, sign_ins
from discuno.accounts import jobs as accounts_jobs
from discuno.accounts import routes as accounts_routes
from discuno.admin import commands as admin_commands
from discuno.admin import cron, health, metrics
from discuno.admin import models as admin_models
from discuno.admin import overview as admin_overview
from discuno.admin.books import drift_letters
from discuno.admin.books import drift_page as admin_drift
from discuno.admin.books import reconcile as admin_reconcile
from discuno.admin.cases import approvals as admin_approvals
from discuno.admin.cases import case_metrics as admin_metrics
from discuno.admin.cases import cases as admin_cases
from discuno.admin.cases import deciding as admin_deciding
from discuno.admin.cases import evidence_page as admin_evidence
from discuno.admin.machines import addresses_page as admin_addresses
from discuno.admin.machines import alerts_page as admin_alerts
from discuno.admin.machines import bulk as admin_bulk
from discuno.admin.machines import bulk_jobs
from discuno.admin.machines import inbox as admin_inbox
from discuno.admin.machines import letters_page as admin_letters
from discuno.admin.machines import templates_page as admin_templates
from discuno.admin.machines import watch as admin_watch
from discuno.admin.machines import work as admin_work
from discuno.admin.money import levers as admin_levers
from discuno.admin.money import pausing as admin_pausing
from discuno.admin.money import payment_pages as admin_payments
from discuno.admin.money import revenue as admin_revenue
from discuno.admin.money import status as admin_status
from discuno.admin.money import sums_jobs
from discuno.admin.money import transfers_page as admin_transfers
from discuno.admin.people import audit_jobs, people_commands
from discuno.admin.people import audit_page as admin_audit
from discuno.admin.people import funnel_page as admin_funnel
from discuno.admin.people import people as admin_people
from discuno.admin.people import staff as admin_staff
from discuno.bookings import calendar_jobs, calendar_news, calendar_sync
from discuno.bookings import feed as bookings_feed
from discuno.bookings import find as bookings_find
from discuno.bookings import hosting as bookings_hosting
from discuno.bookings import jobs as bookings_jobs
from discuno.bookings import manage as bookings_manage
from discuno.bookings import reschedule as bookings_reschedule
from discuno.bookings import steps as bookings_steps
from discuno.bookings import visits as bookings_visits
from discuno.config import Settings
from discuno.disputes import answer_jobs
from discuno.disputes import host as disputes_host
from discuno.disputes import jobs as disputes_jobs
from discuno.disputes import routes as disputes_routes
from discuno.edges import calcom, queue, resend, sentry, smtp, stripe
from discuno.kit import limits, logs, security, web
from discuno.kit.db import db
from discuno.mentors import calcom as mentors_calcom
from discuno.mentors import hours as mentors_hours
from discuno.mentors import overview as mentors_overview
from discuno.mentors import profile as mentors_profile
from discuno.mentors import routes as mentors_routes
from discuno.mentors import types as mentors_types
from discuno.notifications import jobs as notifications_jobs
from discuno.notifications import routes as notifications_routes
from discuno.payments import jobs as payments_jobs
from discuno.payments import routes as payments_routes
from discuno.payouts import bank_jobs as payouts_bank_jobs
from discuno.payouts import history as payouts_history
from discuno.payouts import jobs as payouts_jobs
from discuno.payouts import money as payouts_money
from discuno.payouts import onboarding as payouts_onboarding
from discuno.payouts import papers as payouts_papers
from discuno.payouts import release as payouts_release
from discuno.payouts import request as payouts_request
from discuno.payouts import routes as payouts_routes
from discuno.webhooks import jobs as webhooks_jobs
from discuno.webhooks import routes as webhooks_routes

JOBS = (  # imported: registered
    accounts_jobs,
    admin_reconcile,
    admin_watch,
    audit_jobs,
    bulk_jobs,
    drift_letters,
    bookings_jobs,
    bookings_visits,
    calendar_jobs,
    calendar_news,
    calendar_sync,
    answer_jobs,
    disputes_jobs,
    mentors_calcom,
    notifications_jobs,
    payments_jobs,
    sums_jobs,
    payouts_bank_jobs,
    payouts_jobs,
    payouts_onboarding,
    payouts_release,
    webhooks_jobs,
)
TABLES = (admin_models,)  # imported: known to migrations
ROOMS = (
    accounts_routes.bp,
    accounts_routes.leave,
    sign_ins.bp,
    codes.bp,
    admin_overview.bp,
    admin_alerts.bp,
    admin_letters.bp,
    admin_addresses.bp,
    admin_templates.bp,
    admin_inbox.bp,
    admin_work.bp,
    admin_drift.bp,
    admin_bulk.bp,
    admin_cases.bp,
    admin_deciding.bp,
    admin_audit.bp,
    admin_funnel.bp,
    admin_evidence.bp,
    admin_people.bp,
    admin_payments.bp,
    admin_payments.sheet,
    admin_levers.bp,
    admin_approvals.bp,
    admin_pausing.bp,
    admin_status.bp,
    admin_transfers.bp,
    admin_revenue.bp,
    admin_revenue.sheet,
    admin_metrics.bp,
    admin_staff.bp,
    mentors_routes.bp,
    mentors_overview.bp,
    mentors_profile.bp,
    mentors_types.bp,
    mentors_hours.bp,
    mentors_calcom.bp,
    bookings_steps.bp,
    payments_routes.bp,
    bookings_manage.bp,
    bookings_reschedule.bp,
    bookings_find.bp,
    bookings_hosting.bp,
    bookings_hosting.old,
    bookings_feed.bp,
    bookings_feed.mine,
    payouts_routes.bp,
    payouts_money.bp,
    payouts_routes.old,
    payouts_history.bp,
    payouts_history.sheet,
    payouts_papers.bp,
    payouts_request.bp,
    disputes_routes.bp,
    disputes_host.bp,
    notifications_routes.bp,
    notifications_routes.one_click,
    notifications_routes.of_booking,
    notifications_routes.of_mentor,
    webhooks_routes.bp,
    health.bp,
    metrics.bp,
    cron.bp,
)
YEAR = 365 * 24 * 3600
MIGRATIONS = "migrations"
DATABASE_LIMITS = (
    "-c statement_timeout=15000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=30000"  # ms
)


def create_app(settings: Settings | None = None) -> Flask:
    """Put the house together: the only place that sees everything."""
    settings = settings or config.load()
    logs.configure()
    policy.adopt(settings.terms)
    app = Flask(__name__, root_path=_root(), template_folder="templates", static_folder="static")
    app.extensions["settings"] = settings
    app.config.update(_flask_config(settings))
    for edge in (sentry, stripe, calcom, resend, smtp, queue):
        edge.configure(settings)
    db.init_app(app)
    Migrate(app, db, directory=MIGRATIONS)
    web.install(app)
    access.install(app)
    limits.install(app, settings.redis_url, queue.connection().connection_pool)
    headers = _secure(app, settings)
    for blueprint in ROOMS:
        app.register_blueprint(blueprint)
    app.jinja_env.globals["stripe_js_url"] = settings.stripe_js_url
    cli.register(app)
    admin_commands.register(app)
    people_commands.register(app)
    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]  # how Flask wraps middleware
        ProxyFix(app.wsgi_app, x_for=1, x_proto=1),
        root=app.static_folder,
        prefix="static/",
        max_age=YEAR,
        add_headers_function=lambda given, _path, _url: security.add_headers(given, headers),
    )
    return app


def _root() -> str:
    """Templates and static files lie beside the package, as the owner fixed it."""
    return __file__.rsplit("/", 2)[0]


def _flask_config(settings: Settings) -> dict[str, Any]:
    https = settings.is_https
    return {
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "pool_pre_ping": True,
            "pool_size": 5,  # 2 web processes, a worker and a scheduler stay under a small plan's 20 connections
            "max_overflow": 2,
            "pool_timeout": 10,
            "hide_parameters": True,  # an error's words hold none: they go to logs, to jobs' rows and to Sentry
            "connect_args": {"options": DATABASE_LIMITS},
        },
        "SESSION_COOKIE_NAME": "__Host-discuno" if https else "discuno",
        "SESSION_COOKIE_SECURE": https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_REFRESH_EACH_REQUEST": False,  # a late answer to an earlier click would bring the old cookie back
        "WTF_CSRF_SSL_STRICT": False,  # the Referer is never sent; Origin and Sec-Fetch-Site are checked instead
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session: a slow reader's form still works
        "BASE_URL": settings.base_url,
        "ADMIN_EMAIL": settings.admin_email,
        "STRIPE_TRANSFER_RATE": settings.stripe_transfer_rate,
        "EMAIL_FROM_DOMAIN": settings.email_from_domain,
        "RESEND_RATE": settings.resend_rate,
    }


def _secure(app: Flask, settings: Settings) -> dict[str, str]:
    """CSRF tokens for people's forms; machines prove themselves by signature. Returns every response's headers."""
    origins = security.Origins(
        stripe_js=security.origin_of(settings.stripe_js_url),
        stripe_api=security.origin_of(settings.stripe_api_base),
    )
    headers = security.headers_for(origins, https=settings.is_https)
    security.install(app, headers, own_origin=security.origin_of(settings.base_url))
    csrf = CSRFProtect(app)
    for blueprint in ROOMS:
        if security.ENTRANCES.get(blueprint.name) == "machine":
            csrf.exempt(blueprint)
    return headers


__all__ = ["create_app"]
