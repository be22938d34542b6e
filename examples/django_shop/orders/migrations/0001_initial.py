"""The table of the orders."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Makes it."""

    initial = True
    operations = [
        migrations.CreateModel(
            name="Order",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100)),
                ("email", models.EmailField(max_length=254)),
                ("article", models.CharField(max_length=100)),
                ("language", models.CharField(max_length=10, default="en")),
                ("placed", models.DateTimeField(auto_now_add=True)),
            ],
        )
    ]
